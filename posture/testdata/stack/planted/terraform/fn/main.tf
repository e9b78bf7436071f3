variable "name" {
  type = string
}

variable "runtime" {
  type    = string
  default = "python3.13"
}

variable "timeout" {
  type = number
}

variable "role_arn" {
  type = string
}

variable "environment" {
  type    = map(string)
  default = {}
}

resource "aws_lambda_function" "this" {
  function_name = "orders-${var.name}"
  runtime       = var.runtime
  handler       = "${var.name}.handler"
  timeout       = var.timeout
  role          = var.role_arn
  s3_bucket     = "code"
  s3_key        = "${var.name}.zip"

  dynamic "environment" {
    for_each = length(var.environment) > 0 ? [var.environment] : []
    content {
      variables = environment.value
    }
  }
}

output "arn" {
  value = aws_lambda_function.this.arn
}

output "name" {
  value = aws_lambda_function.this.function_name
}
