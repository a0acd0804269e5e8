"""Agents: what the nodes of a graph do."""
