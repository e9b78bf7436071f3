variable "stage" {
  type    = string
  default = "dev"
}

variable "db_password" {
  type    = string
  default = "hunter2"
}

variable "token" {
  type      = string
  sensitive = true
}

variable "with_vpc" {
  type = bool
}

data "aws_caller_identity" "me" {}

data "aws_secretsmanager_secret_version" "db" {
  secret_id = "db"
}

locals {
  name = "orders-${var.stage}"
  tags = { app = "orders" }
}

resource "aws_s3_bucket" "uploads" {
  bucket = "uploads-${data.aws_caller_identity.me.account_id}"
  tags   = merge(local.tags, { kind = "in" })
}

resource "aws_s3_bucket_public_access_block" "uploads" {
  bucket                  = aws_s3_bucket.uploads.id
  block_public_acls       = true
  block_public_policy     = false
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [{
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "${aws_s3_bucket.uploads.arn}/*"
      }]
    }
  EOT
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket = aws_s3_bucket.uploads.id
  lambda_function {
    lambda_function_arn = aws_lambda_function.worker.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "in/"
  }
}

resource "aws_sqs_queue" "orders" {
  name                       = local.name
  visibility_timeout_seconds = 60
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead" {}

resource "aws_iam_role" "worker" {
  name               = "worker"
  assume_role_policy = file("${path.module}/policies/trust.json")
}

data "aws_iam_policy_document" "worker" {
  statement {
    actions   = ["s3:*"]
    resources = ["*"]
  }
  dynamic "statement" {
    for_each = var.with_vpc ? ["ec2:CreateNetworkInterface"] : []
    content {
      actions   = [statement.value]
      resources = ["*"]
    }
  }
}

resource "aws_iam_policy" "worker" {
  policy = data.aws_iam_policy_document.worker.json
}

resource "aws_iam_role_policy_attachment" "worker" {
  for_each = {
    own   = aws_iam_policy.worker.arn
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
  }
  role       = aws_iam_role.worker.name
  policy_arn = each.value
}

data "archive_file" "worker" {
  type        = "zip"
  source_dir  = "${path.module}/src"
  output_path = "${path.module}/worker.zip"
}

resource "aws_lambda_function" "worker" {
  function_name                  = "${local.name}-worker"
  filename                       = data.archive_file.worker.output_path
  runtime                        = "nodejs22.x"
  handler                        = "index.handler"
  timeout                        = var.with_vpc ? 30 : 900
  memory_size                    = lookup({ dev = 128, prod = 1024 }, var.stage, 256)
  reserved_concurrent_executions = 5
  role                           = aws_iam_role.worker.arn
  layers                         = ["arn:aws:lambda:eu-west-1:123456789012:layer:x:1"]

  environment {
    variables = {
      STAGE       = var.stage
      DB_PASSWORD = var.db_password
      TOKEN       = var.token
      URL         = "https://x:${var.token}@example.org"
      FROM_STORE  = jsondecode(data.aws_secretsmanager_secret_version.db.secret_string)["password"]
      QUEUE       = aws_sqs_queue.orders.name
      KEY         = "literal-value"
    }
  }

  dynamic "vpc_config" {
    for_each = var.with_vpc ? [1] : []
    content {
      subnet_ids         = ["subnet-1"]
      security_group_ids = [aws_security_group.fn.id]
    }
  }

  tracing_config {
    mode = "Active"
  }
}

resource "aws_security_group" "fn" {
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_lambda_event_source_mapping" "orders" {
  event_source_arn = aws_sqs_queue.orders.arn
  function_name    = aws_lambda_function.worker.arn
  batch_size       = 10
}

resource "aws_lambda_permission" "s3" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.worker.function_name
  principal     = "s3.amazonaws.com"
  source_arn    = aws_s3_bucket.uploads.arn
}

resource "aws_lambda_function_url" "worker" {
  count              = var.stage == "dev" ? 1 : 0
  function_name      = aws_lambda_function.worker.function_name
  authorization_type = "NONE"
  cors {
    allow_origins     = ["*"]
    allow_credentials = true
  }
}

resource "aws_cloudwatch_event_rule" "tick" {
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "tick" {
  rule = aws_cloudwatch_event_rule.tick.name
  arn  = aws_lambda_function.worker.arn
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/aws/lambda/${aws_lambda_function.worker.function_name}"
  retention_in_days = 14
}

module "api" {
  source   = "./modules/fn"
  name     = "api"
  role_arn = aws_iam_role.worker.arn
}

module "report" {
  source        = "terraform-aws-modules/lambda/aws"
  version       = "~> 7.0"
  function_name = "report"
  runtime       = "python3.12"
  handler       = "app.handler"
  source_path   = "${path.module}/report"
  policy_statements = {
    read = {
      effect    = "Allow"
      actions   = ["dynamodb:*"]
      resources = ["*"]
    }
  }
  attach_policy_statements = true
}
