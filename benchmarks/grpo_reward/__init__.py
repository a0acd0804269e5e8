"""TRL's GRPO with a judge as its reward, in process and over HTTP, through outages; see `__main__`."""
