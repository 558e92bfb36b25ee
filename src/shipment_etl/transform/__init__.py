"""Transform: turn good shipments into the roll-up and the marts."""
