"""What shoppers send back, line by line, and what they get for it: money, store credit or another one."""
