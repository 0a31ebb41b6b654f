"""Invoices and credit notes: numbered without a gap, frozen when they are issued, printed once."""
