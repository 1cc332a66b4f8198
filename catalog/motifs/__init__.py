"""What a drawn poster shows: one flat, geometric motif a genre, varied by a seed.

Every motif draws on a field 400 wide and 400 high (y grows downward); the title stands below it. It
returns few shapes: a poster stays below four kilobytes.
"""
