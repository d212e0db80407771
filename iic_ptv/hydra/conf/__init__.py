"""The YAML files that Hydra composes; ``pkg://iic_ptv.hydra.conf`` in a search path."""
