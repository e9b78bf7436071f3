resource "google_service_account" "fn" {
  account_id = "orders"
}

resource "google_project_iam_member" "fn" {
  project = "shop"
  role    = "roles/editor"
  member  = "serviceAccount:${google_service_account.fn.email}"
}

resource "google_cloudfunctions_function" "orders" {
  name                  = "orders"
  runtime               = "nodejs16"
  entry_point           = "handler"
  trigger_http          = true
  ingress_settings      = "ALLOW_ALL"
  service_account_email = google_service_account.fn.email
  environment_variables = {
    API_TOKEN = "s3cr3t-live-9f8e7d6c"
  }
}

resource "google_cloudfunctions_function_iam_member" "all" {
  cloud_function = google_cloudfunctions_function.orders.name
  role           = "roles/cloudfunctions.invoker"
  member         = "allUsers"
}
