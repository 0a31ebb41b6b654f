"""Lists of what members would like to have, and who wants to be told when something is back or costs less."""
