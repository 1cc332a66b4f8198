"""All settings, read from the environment; every default suits `make run` on a fresh machine.

Each file beside this one has those of one concern; Django reads all of them here, as one module. A name is
set in one file only, so their order says nothing.
"""

from nostrade_site.settings.api import *
from nostrade_site.settings.background import *
from nostrade_site.settings.installation import *
from nostrade_site.settings.monitoring import *
from nostrade_site.settings.people import *
from nostrade_site.settings.recommendations import *
from nostrade_site.settings.security import *
from nostrade_site.settings.site import *
