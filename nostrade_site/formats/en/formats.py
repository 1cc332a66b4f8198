"""How Django's own pages write dates: as our templates do. `FORMAT_MODULE_PATH` leads here."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
MONTH_DAY_FORMAT = "j F"
