"""Accounts: allauth's flows, open to guests, who keep what they said."""
