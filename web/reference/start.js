// The viewer asks this server only: no validator, no fonts, no other address.
SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  persistAuthorization: false, // a key that is entered lives as long as the tab's page
});
