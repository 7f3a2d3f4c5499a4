"""Simulators of the systems around us: they keep state and misbehave as the real ones do."""
