resource "google_service_account" "fn" {
  account_id = "orders"
}

resource "google_service_account" "caller" {
  account_id = "caller"
}

resource "google_cloudfunctions_function" "orders" {
  name                  = "orders"
  runtime               = "nodejs22"
  entry_point           = "handler"
  trigger_http          = true
  max_instances         = 10
  ingress_settings      = "ALLOW_INTERNAL_AND_GCLB"
  service_account_email = google_service_account.fn.email
}

resource "google_cloudfunctions_function_iam_member" "caller" {
  cloud_function = google_cloudfunctions_function.orders.name
  role           = "roles/cloudfunctions.invoker"
  member         = google_service_account.caller.member
}
