"""Graphs: from a YAML file to a compiled LangGraph."""
