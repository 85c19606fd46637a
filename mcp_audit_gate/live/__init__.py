"""Everything that starts servers or connects to them; imported only when a command asks for it."""
