"""What every room of the shop stands on: money, ids, time, errors, states, events, transactions."""
