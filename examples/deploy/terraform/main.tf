terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

locals {
  # What no manifest can know, by the function's name: memory, timeout, environment, permissions.
  options = {
    api = { memory_size = 512, timeout = 30 }
  }
}

resource "aws_lambda_layer_version" "this" {
  for_each = local.layers

  layer_name               = replace("${local.manifest.project}-${each.key}", ".", "")
  filename                 = each.value.path
  source_code_hash         = each.value.code_sha256
  compatible_runtimes      = each.value.runtimes
  compatible_architectures = [each.value.architecture]
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name    = replace("${local.manifest.project}-${each.key}", ".", "")
  role             = aws_iam_role.functions.arn
  filename         = each.value.path
  source_code_hash = each.value.code_sha256
  runtime          = each.value.runtimes[0]
  architectures    = [each.value.architecture]
  handler          = each.value.handler
  layers           = [for key in each.value.layers : aws_lambda_layer_version.this[key].arn]
  memory_size      = try(local.options[each.value.name].memory_size, 128)
  timeout          = try(local.options[each.value.name].timeout, 3)
}

resource "aws_iam_role" "functions" {
  name_prefix = "${local.manifest.project}-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.functions.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
