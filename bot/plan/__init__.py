"""What moving a pin does: old and new model of each stack to actions, causes, risks and reports. Pure."""
