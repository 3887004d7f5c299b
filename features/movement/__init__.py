"""How people and vehicles move: trafficability, avenues of approach, chokepoints."""
