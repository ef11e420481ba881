"""xenbuild: bootable Xen machines from one YAML file."""

__version__ = "0.1.0"
