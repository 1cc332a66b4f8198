"""Tokens: how a member lets programs act for them in the API, and takes that back."""
