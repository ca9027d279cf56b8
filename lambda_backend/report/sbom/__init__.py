"""CycloneDX bills of materials; needs ``cyclonedx-python-lib`` (extra ``sbom``), and is imported only for them."""
