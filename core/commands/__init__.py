"""The commands of ``python -m core``, by what they are about; each module adds its own to the parser."""
