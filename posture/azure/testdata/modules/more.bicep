param siteName string
@secure()
param secret string
param https bool = true

resource site 'Microsoft.Web/sites@2022-03-01' = {
  name: siteName
  kind: 'functionapp,linux'
  properties: {
    httpsOnly: https
    siteConfig: {
      linuxFxVersion: 'NODE|20'
      appSettings: [
        { name: 'SECRET', value: secret }
      ]
    }
  }
}
