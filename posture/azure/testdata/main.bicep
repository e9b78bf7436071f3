targetScope = 'resourceGroup'

@description('of the app')
param appName string
@secure()
param dbPassword string
param httpsOnly bool = false
param tags object = {
  app: 'orders'
}
@allowed([
  'dev'
  'prod'
])
param stage string = 'dev'

var storeName = 'st${uniqueString(resourceGroup().id)}'
var settings = [
  {
    name: 'STAGE'
    value: stage
  }
]

resource store 'Microsoft.Storage/storageAccounts@2022-09-01' = {
  name: storeName
  properties: {
    allowBlobPublicAccess: stage == 'dev' ? true : false
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource container 'containers' = {
      name: 'in'
      properties: {
        publicAccess: 'Blob'
      }
    }
  }
}

resource site 'Microsoft.Web/sites@2022-03-01' = if (!empty(appName)) {
  name: '${appName}-fn'
  kind: 'functionapp'
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    httpsOnly: httpsOnly
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: concat(settings, [
        { name: 'DB_PASSWORD', value: dbPassword }
        {
          name: 'AzureWebJobsStorage'
          value: 'AccountName=${store.name};AccountKey=${store.listKeys().keys[0].value}'
        }
        { name: 'WEBSITE_NODE_DEFAULT_VERSION', value: '~18' }
      ])
    }
  }
}

resource webConfig 'Microsoft.Web/sites/config@2022-03-01' = {
  parent: site
  name: 'web'
  properties: {
    cors: { allowedOrigins: ['*'] }
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(site.id)
  properties: {
    principalId: site.identity.principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635')
  }
}

module more './modules/more.bicep' = {
  name: 'more'
  params: {
    siteName: 'second'
    secret: dbPassword
  }
}

module elsewhere 'br/public:avm/res/web/site:0.3.0' = {
  name: 'elsewhere'
}

module outside '../outside.bicep' = {
  name: 'outside'
}

output id string = site.id
