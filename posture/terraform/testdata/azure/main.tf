resource "azurerm_storage_account" "store" {
  name                            = "store"
  allow_nested_items_to_be_public = true
}

resource "azurerm_storage_container" "in" {
  name                  = "in"
  storage_account_name  = azurerm_storage_account.store.name
  container_access_type = "blob"
}

resource "azurerm_linux_function_app" "app" {
  name                       = "orders-app"
  storage_account_name       = azurerm_storage_account.store.name
  storage_account_access_key = azurerm_storage_account.store.primary_access_key
  https_only                 = false

  app_settings = {
    DB_PASSWORD = "@Microsoft.KeyVault(SecretUri=https://v.example/secrets/db)"
    STORE_KEY   = azurerm_storage_account.store.primary_access_key
  }

  identity {
    type = "SystemAssigned"
  }

  site_config {
    minimum_tls_version = "1.0"
    application_stack {
      node_version = "18"
    }
    cors {
      allowed_origins = ["*"]
    }
  }
}

resource "azurerm_role_assignment" "app" {
  scope                = azurerm_storage_account.store.id
  role_definition_name = "Contributor"
  principal_id         = azurerm_linux_function_app.app.identity[0].principal_id
}

resource "azurerm_function_app_function" "get" {
  name            = "get"
  function_app_id = azurerm_linux_function_app.app.id
  config_json = jsonencode({
    bindings = [
      { type = "httpTrigger", direction = "in", name = "req", authLevel = "anonymous", route = "orders" },
    ]
  })
}
