@secure()
param token string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'shopdata'
  properties: {
    allowBlobPublicAccess: false
    minimumTlsVersion: 'TLS1_2'
  }
}
resource site 'Microsoft.Web/sites@2023-12-01' = {
  name: 'shop'
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    httpsOnly: true
    siteConfig: {
      linuxFxVersion: 'NODE|24'
      minTlsVersion: '1.2'
      functionAppScaleLimit: 20
      cors: { allowedOrigins: [ 'https://shop.example' ] }
      appSettings: [
        { name: 'LEVEL', value: 'info' }
        { name: 'TOKEN', value: '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/token/)' }
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
      ]
    }
  }
}
resource orders 'Microsoft.Web/sites/functions@2023-12-01' = {
  parent: site
  name: 'orders'
  properties: {
    config: {
      bindings: [
        { name: 'req', type: 'httpTrigger', direction: 'in', authLevel: 'function', methods: [ 'post' ] }
        { name: 'res', type: 'http', direction: 'out' }
      ]
    }
  }
}
resource worker 'Microsoft.Web/sites/functions@2023-12-01' = {
  parent: site
  name: 'worker'
  properties: {
    config: {
      bindings: [
        { name: 'job', type: 'queueTrigger', direction: 'in', queueName: 'jobs', connection: 'AzureWebJobsStorage' }
        { name: 'out', type: 'queue', direction: 'out', queueName: 'results', connection: 'AzureWebJobsStorage' }
      ]
    }
  }
}
resource tick 'Microsoft.Web/sites/functions@2023-12-01' = {
  parent: site
  name: 'tick'
  properties: {
    config: {
      bindings: [
        { name: 'timer', type: 'timerTrigger', direction: 'in', schedule: '0 */5 * * * *' }
      ]
    }
  }
}
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(site.id)
  scope: account
  properties: {
    principalId: site.identity.principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
  }
}
resource failing 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'failing'
  properties: {}
}
resource spend 'Microsoft.Consumption/budgets@2023-05-01' = {
  name: 'spend'
  properties: { amount: 100, category: 'Cost', timeGrain: 'Monthly', notifications: { over: { enabled: true } } }
}
