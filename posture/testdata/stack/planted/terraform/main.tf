resource "aws_s3_bucket" "uploads" {
  bucket = "orders-uploads"
}

resource "aws_s3_bucket_public_access_block" "uploads" {
  bucket                  = aws_s3_bucket.uploads.id
  block_public_acls       = false
  block_public_policy     = false
  ignore_public_acls      = false
  restrict_public_buckets = false
}

data "aws_iam_policy_document" "uploads" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.uploads.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_s3_bucket_policy" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  policy = data.aws_iam_policy_document.uploads.json
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  lambda_function {
    lambda_function_arn = module.resize.arn
    events              = ["s3:ObjectCreated:*"]
  }
}

resource "aws_sqs_queue" "jobs" {
  name                       = "orders-jobs"
  visibility_timeout_seconds = 30
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

resource "aws_iam_role" "fn" {
  name               = "orders"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "admin" {
  role       = aws_iam_role.fn.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_role_policy" "all" {
  role = aws_iam_role.fn.id
  policy = jsonencode({
    Statement = [{
      Effect   = "Allow"
      Action   = "*"
      Resource = "*"
    }]
  })
}

module "resize" {
  source   = "./fn"
  name     = "resize"
  runtime  = "nodejs14.x"
  timeout  = 60
  role_arn = aws_iam_role.fn.arn
  environment = {
    DB_PASSWORD                  = "kf83hKqpz02Lm"
    NODE_TLS_REJECT_UNAUTHORIZED = "0"
  }
}

resource "aws_lambda_permission" "uploads" {
  function_name = module.resize.name
  action        = "lambda:InvokeFunction"
  principal     = "s3.amazonaws.com"
}

module "work" {
  source   = "./fn"
  name     = "work"
  timeout  = 900
  role_arn = aws_iam_role.fn.arn
}

resource "aws_lambda_event_source_mapping" "work" {
  event_source_arn = aws_sqs_queue.jobs.arn
  function_name    = module.work.arn
}

module "web" {
  source   = "./fn"
  name     = "web"
  timeout  = 300
  role_arn = aws_iam_role.fn.arn
}

resource "aws_lambda_function_url" "web" {
  function_name      = module.web.name
  authorization_type = "NONE"
  cors {
    allow_origins     = ["*"]
    allow_credentials = true
  }
}

resource "aws_lambda_permission" "open" {
  function_name = module.web.name
  action        = "lambda:InvokeFunction"
  principal     = "*"
}

resource "aws_apigatewayv2_api" "orders" {
  name          = "orders"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_stage" "live" {
  api_id = aws_apigatewayv2_api.orders.id
  name   = "$default"
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  api_id           = aws_apigatewayv2_api.orders.id
  name             = "jwt"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    audience = ["orders"]
    issuer   = "https://issuer.example"
  }
}

resource "aws_apigatewayv2_integration" "web" {
  api_id           = aws_apigatewayv2_api.orders.id
  integration_type = "AWS_PROXY"
  integration_uri  = module.web.arn
}

resource "aws_apigatewayv2_route" "orders" {
  api_id    = aws_apigatewayv2_api.orders.id
  route_key = "POST /orders"
  target    = "integrations/${aws_apigatewayv2_integration.web.id}"
}
