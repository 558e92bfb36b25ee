"""Transform: good shipments become the roll-up and the marts."""
