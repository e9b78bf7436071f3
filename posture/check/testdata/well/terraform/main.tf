variable "stage" {
  default = "dev"
}

variable "db_secret_arn" {
  type = string
}

locals {
  name = "shop-${var.stage}"
}

resource "aws_dynamodb_table" "orders" {
  name         = "${local.name}-orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_sqs_queue" "dead" {
  name = "${local.name}-dead"
}

resource "aws_sqs_queue" "jobs" {
  name                       = "${local.name}-jobs"
  visibility_timeout_seconds = 60
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "get" {
  statement {
    actions   = ["dynamodb:GetItem", "dynamodb:Query"]
    resources = [aws_dynamodb_table.orders.arn, "${aws_dynamodb_table.orders.arn}/index/*"]
  }
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.db_secret_arn]
  }
}

resource "aws_iam_role" "get" {
  name               = "${local.name}-get"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "get" {
  role   = aws_iam_role.get.id
  policy = data.aws_iam_policy_document.get.json
}

resource "aws_iam_role_policy_attachment" "get" {
  role       = aws_iam_role.get.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "get" {
  function_name                  = "${local.name}-get"
  runtime                        = "nodejs24.x"
  handler                        = "get.handler"
  filename                       = "get.zip"
  role                           = aws_iam_role.get.arn
  timeout                        = 10
  memory_size                    = 256
  reserved_concurrent_executions = 20
  tracing_config {
    mode = "Active"
  }
  environment {
    variables = {
      TABLE         = aws_dynamodb_table.orders.name
      DB_SECRET_ARN = var.db_secret_arn
    }
  }
}

resource "aws_cloudwatch_log_group" "get" {
  name              = "/aws/lambda/${aws_lambda_function.get.function_name}"
  retention_in_days = 30
}

resource "aws_apigatewayv2_api" "shop" {
  name          = local.name
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "users" {
  api_id           = aws_apigatewayv2_api.shop.id
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  name             = "users"
  jwt_configuration {
    audience = ["shop"]
    issuer   = "https://login.shop.example"
  }
}

resource "aws_apigatewayv2_integration" "get" {
  api_id           = aws_apigatewayv2_api.shop.id
  integration_type = "AWS_PROXY"
  integration_uri  = aws_lambda_function.get.invoke_arn
}

resource "aws_apigatewayv2_route" "get" {
  api_id             = aws_apigatewayv2_api.shop.id
  route_key          = "GET /orders/{id}"
  target             = "integrations/${aws_apigatewayv2_integration.get.id}"
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.users.id
}

resource "aws_apigatewayv2_stage" "main" {
  api_id      = aws_apigatewayv2_api.shop.id
  name        = "$default"
  auto_deploy = true
  default_route_settings {
    throttling_rate_limit  = 50
    throttling_burst_limit = 100
  }
}

resource "aws_lambda_permission" "get" {
  function_name = aws_lambda_function.get.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.shop.execution_arn}/*/*"
}
