"""From a source to an inventory and uint8 pixels."""
