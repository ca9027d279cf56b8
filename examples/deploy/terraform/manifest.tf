# What `python -m build` left, by the keys that the resources in main.tf have.

variable "dist" {
  description = "Folder with the zips and their manifest."
  type        = string
  default     = "../dist"

  validation {
    condition     = length(fileset(var.dist, "*.lambda.json")) == 1
    error_message = "One manifest (*.lambda.json) is needed there."
  }
}

locals {
  manifest = jsondecode(file("${var.dist}/${one(fileset(var.dist, "*.lambda.json"))}"))

  # "api-python3.13-arm64": one name may be there for several runtimes and architectures.
  artifacts = {
    for artifact in local.manifest.artifacts :
    "${artifact.name}-${join("-", artifact.runtimes)}-${artifact.architecture}" => merge(artifact, {
      path   = "${var.dist}/${artifact.file}"
      layers = [for name in artifact.layers : "${name}-${join("-", artifact.runtimes)}-${artifact.architecture}"]
    })
  }
  layers    = { for key, artifact in local.artifacts : key => artifact if artifact.kind == "layer" }
  functions = { for key, artifact in local.artifacts : key => artifact if artifact.kind == "function" }
}
