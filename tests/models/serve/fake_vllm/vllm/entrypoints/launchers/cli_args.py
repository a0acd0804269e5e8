"""What the probe reads to learn which flags this version knows."""

tool_strict_level = "auto"
enable_prompt_tokens_details = False
