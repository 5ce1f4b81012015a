package mapping

import (
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// sheet is the beginning of a file as people and programs make it. Its lines are: the headers, the right
// columns (- for none), and some rows. Cells are separated by |.
type sheet struct{ name, text string }

// sheets is the set that Suggest is measured with.
var sheets = []sheet{
	{"our own columns", `license__license_key|product__short_code|customer__email|license__max_activations
license__license_key|product__short_code|customer__email|license__max_activations
AAAA-BBBB-CCCC-0001|psc|ada@example.com|3`},
	{"columns without their prefix", `License Key|Short Code|Email|Max Activations|Validity Period|Is Floating|Note
license__license_key|product__short_code|customer__email|license__max_activations|license__validity_period|license__is_floating|license__note
AAAA-BBBB-CCCC-0001|psc|ada@example.com|3|2030-01-31|false|moved`},
	{"ordinary", `Serial|Product|E-Mail|Vorname|Expires|Seats
license__license_key|product__short_code|customer__email|customer__first_name|license__validity_period|license__max_activations
AB12-CD34-EF56-7890|Photo Pro|ada@example.com|Ada|12/31/2030|5
AB12-CD34-EF56-7891|Photo Pro|bob@example.com|Bob|01/31/2031|1`},
	{"keygen", `id|name|key|expiry|status|uses|suspended|maxMachines|maxUses|maxUsers|floating|created|updated|metadata
-|-|license__license_key|license__validity_period|license__enabled|-|-|license__max_activations|license__max_consumptions|license__max_license_users|license__is_floating_cloud|-|-|-
5f1d8e4a-8a52-4a0c-9a1f-0a3f1c0d9a11|Ada|C1B6DE-39A6E3-DE1529-8559A0-4AF593-V3|2030-01-31T00:00:00.000Z|ACTIVE|0|false|3|||true|2021-01-01T00:00:00.000Z|2021-01-01T00:00:00.000Z|{}`},
	{"cryptlex", `id|key|revoked|suspended|totalActivations|allowedActivations|allowedFloatingClients|type|expiresAt|productId|createdAt|notes
-|license__license_key|-|license__enabled|-|license__max_activations|license__floating_users|-|license__validity_period|product__short_code|-|license__note
23d9646c-34f5-4d37-adeb-f7f77b927bdb|0A2035-E8A2A3-4D31B7-8FF9C6-81A6CA-539E54|false|false|0|1|0|node-locked|2026-05-05T08:49:17.9361143Z|63dfd63e-ed71-4f84-9236-02ee0ddb062c|2025-05-06T08:49:17.9361158Z|x`},
	{"cryptlex v2", `Key ID|Product Key|Email|Status|Expires On|Total Activations|Used Activations|Total Deactivations|Creation Date|Custom Fields
-|license__license_key|customer__email|-|license__validity_period|license__max_activations|-|-|-|-
1017|D20C5E-4A73AD-1B9C44-A05F88|ada@example.com|active|2030-05-01|2|1|10|2018-01-01|`},
	{"license manager for woocommerce", `id|order_num|product_id|product_name|user_id|user_name|user_email|license_key|expires_at|valid_for|times_activated|times_activated_max|created_at
-|order__store_id|product__short_code|-|customer__reference|-|customer__email|license__license_key|license__validity_period|-|-|license__max_activations|-
7|1001|55|Photo Pro|9|Ada L|ada@example.com|AAAA-BBBB-1111-2222|2030-01-31 00:00:00||1|3|2021-01-01 10:00:00`},
	{"license manager for woocommerce, without order numbers", `id|order_id|product_id|license_key|expires_at|times_activated_max
-|order__store_id|product__short_code|license__license_key|license__validity_period|license__max_activations
7|1001|55|AAAA-BBBB-1111-2222|2030-01-31 00:00:00|3`},
	{"license manager for woocommerce, with both", `id|order_id|order_num|product_id|license_key|times_activated_max
-|-|order__store_id|product__short_code|license__license_key|license__max_activations
7|1001|R-1|55|AAAA-BBBB-1111-2222|3`},
	{"gumroad", `sale_id|sale_timestamp|order_number|product_id|product_permalink|short_product_id|product_name|email|full_name|license_key|quantity|refunded|price
order__store_id|-|-|-|-|product__short_code|-|customer__email|-|license__license_key|license__max_activations|-|-
G-1|2021-01-05T11:38:56Z|524459935|32-nPAicqbLj8B_WswVlMw==|https://gum.co/QMGY|QMGY|Photo|ada@example.com|Ada L|83DB262A-C19D3B06-A5235A6B-8C079166|1|false|990`},
	{"shopify orders", `Name|Email|Financial Status|Paid at|Currency|Total|Created at|Lineitem quantity|Lineitem name|Lineitem sku|Billing Name|Billing Street|Billing Company|Billing City|Billing Zip|Billing Country|Notes|Vendor|Id
order__store_id|customer__email|-|-|-|-|-|-|-|product__short_code|-|customer__address|customer__company_name|customer__city|customer__postcode|customer__country|license__note|-|-
#1001|ada@example.com|paid|2026-09-03 10:15:00 -0400|USD|47.00|2026-09-03 10:14:00 -0400|1|Photo Pro|PHOTO-1|Ada L|1 Lane|AEL|London|SW1|GB||Shop|5550000001`},
	{"shopify with keys", `Name|Email|Financial Status|Lineitem name|Lineitem sku|License Key
order__store_id|customer__email|-|-|product__short_code|license__license_key
#1001|ada@example.com|paid|Photo Pro|PHOTO-1|AAAA-BBBB-CCCC-DDD1`},
	{"fastspring", `Order_ID|Order_Reference|Product_Name|Product_Path|Buyer_Email|Buyer_ID|Company_Name|Country_ISO|License Key
order__store_id|-|-|product__short_code|customer__email|customer__reference|-|customer__country|license__license_key
zSprqRHITGeW0kSGC7AKmg|FUR160822-7349-43132|Photo Pro|photo-pro|ada@example.com|B1|My Shop|GB|AAAA-BBBB-CCCC-DDD1`},
	{"lemon squeezy", `id|store_id|order_id|product_id|user_name|user_email|key|activation_limit|expires_at|disabled|status
-|-|order__store_id|product__short_code|-|customer__email|license__license_key|license__max_activations|license__validity_period|license__enabled|-
1|1|2001|77|Ada|ada@example.com|80e15db5-c796-436b-850c-8f9c98a48abe|5|2030-01-24T14:15:07.000000Z|0|active`},
	{"licensespring", `license_key|product_short_code|customer_email|order_store_id|validity_period|max_activations|license_type|enabled
license__license_key|product__short_code|customer__email|order__store_id|license__validity_period|license__max_activations|license__license_type|license__enabled
AAAA-BBBB-CCCC-DDD1|psc|ada@example.com|o-1|2030-01-31|3|perpetual|true`},
	{"german", `Lizenzschlüssel|Artikelnummer|Kundennummer|Firma|Vorname|Nachname|E-Mail-Adresse|Telefon|Straße|PLZ|Ort|Land|Gültig bis|Anzahl Geräte|Bemerkung
license__license_key|product__short_code|customer__reference|customer__company_name|customer__first_name|customer__last_name|customer__email|customer__phone|customer__address|customer__postcode|customer__city|customer__country|license__validity_period|license__max_activations|license__note
AB12-CD34-EF56|4711|00042|Muster GmbH|Eva|Muster|eva@example.de|+49 30 1|Weg 1|10115|Berlin|DE|31.12.2030|3|alt`},
	{"german short", `Seriennummer|Produkt|Mail|Ablaufdatum|Aktivierungen
license__license_key|product__short_code|customer__email|license__validity_period|license__max_activations
AB12-CD34-EF56|foto|eva@example.de|31.12.2030|3`},
	{"german validity", `Seriennr.|Produkt|Bis|Anzahl Plätze
license__license_key|product__short_code|license__validity_period|license__max_activations
AB12-CD34-EF56|foto|31.12.2030|3`},
	{"german term", `Serien-Nr|Produkt|Läuft bis
license__license_key|product__short_code|license__validity_period
AB12-CD34-EF56|foto|31.12.2030`},
	{"english validity", `Serial|Product|Until|No. of seats
license__license_key|product__short_code|license__validity_period|license__max_activations
AB12-CD34-EF56|photo|2030-12-31|3`},
	{"german store", `Bestell-Nr.|Lizenznummer|Produktcode|Kunden-E-Mail|Lizenztyp|Aktiv
order__store_id|license__license_key|product__short_code|customer__email|license__license_type|license__enabled
B-1|AB12-CD34-EF56|foto|eva@example.de|perpetual|1`},
	{"french", `Clé de licence|Code produit|Courriel|Prénom|Nom de famille|Société|Ville|Pays|Date d'expiration|Nombre de postes
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|customer__city|customer__country|license__validity_period|license__max_activations
AB12-CD34-EF56|photo|zoe@example.fr|Zoé|Noël|ACME|Lyon|FR|31/12/2030|2`},
	{"french short", `N° de série|Produit|Adresse e-mail|Expire le
license__license_key|product__short_code|customer__email|license__validity_period
AB12-CD34-EF56|photo|zoe@example.fr|31/12/2030`},
	{"spanish", `Clave de licencia|Producto|Correo electrónico|Nombre|Apellidos|Empresa|Teléfono|Ciudad|País|Fecha de caducidad|Activaciones
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|customer__phone|customer__city|customer__country|license__validity_period|license__max_activations
AB12-CD34-EF56|foto|ana@example.es|Ana|Gil|SL|+34 1|Madrid|ES|31/12/2030|2`},
	{"spanish short", `Número de serie|Código de producto|Correo|Vence|Puestos|Observaciones
license__license_key|product__short_code|customer__email|license__validity_period|license__max_activations|license__note
AB12-CD34-EF56|foto|ana@example.es|31/12/2030|2|`},
	{"italian", `Chiave di licenza|Codice prodotto|Indirizzo email|Nome|Cognome|Ragione sociale|Città|CAP|Provincia|Scadenza|Postazioni|Note
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|customer__city|customer__postcode|customer__state|license__validity_period|license__max_activations|license__note
AB12-CD34-EF56|foto|eva@example.it|Eva|Rossi|SRL|Roma|00100|RM|31/12/2030|2|`},
	{"polish", `Klucz licencyjny|Produkt|Adres e-mail|Imię|Nazwisko|Firma|Miasto|Kod pocztowy|Kraj|Ważna do|Liczba stanowisk|Uwagi
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|customer__city|customer__postcode|customer__country|license__validity_period|license__max_activations|license__note
AB12-CD34-EF56|foto|ewa@example.pl|Ewa|Kot|SA|Łódź|90-001|PL|31.12.2030|2|`},
	{"japanese", `ライセンスキー|製品コード|メールアドレス|姓|名|会社名|電話番号|郵便番号|都道府県|住所|有効期限|台数|備考
license__license_key|product__short_code|customer__email|customer__last_name|customer__first_name|customer__company_name|customer__phone|customer__postcode|customer__state|customer__address|license__validity_period|license__max_activations|license__note
AB12-CD34-EF56|foto|sato@example.jp|佐藤|花子|株式会社|03-1|100-0001|東京都|千代田区|2030/12/31|2|`},
	{"japanese short", `シリアル番号|製品|Eメール|期限
license__license_key|product__short_code|customer__email|license__validity_period
AB12-CD34-EF56|foto|sato@example.jp|2030/12/31`},
	{"portuguese", `Chave de licença|Código do produto|E-mail do cliente|Nome|Sobrenome|Empresa|Data de validade|Número de ativações|Ativo|Tipo de licença|Cidade|CEP|País
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|license__validity_period|license__max_activations|license__enabled|license__license_type|customer__city|customer__postcode|customer__country
AB12-CD34-EF56|foto|ana@example.pt|João|Gonçalves|Lda|31/12/2030|2|Sim|vitalícia|Lisboa|1000-001|PT
AB12-CD34-EF57|foto|eva@example.pt|Eva|Melo|Lda|31/12/2030|2|Não|assinatura|Lisboa|1000-001|PT`},
	{"chinese", `许可证密钥|产品代码|电子邮件|名|姓|公司名称|到期日期|激活数量|启用|许可证类型
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|license__validity_period|license__max_activations|license__enabled|license__license_type
AB12-CD34-EF56|foto|li@example.cn|明|李|北京软件有限公司|2030-12-31|2|是|永久
AB12-CD34-EF57|foto|wu@example.cn|伟|吴|北京软件有限公司|2030-12-31|2|否|订阅`},
	{"traditional chinese", `授權金鑰|產品代碼|電子郵件|到期日|數量
license__license_key|product__short_code|customer__email|license__validity_period|license__max_activations
AB12-CD34-EF56|foto|li@example.tw|2030/12/31|2`},
	{"korean", `라이선스 키|제품 코드|이메일|회사|만료일|수량|활성|라이선스 유형
license__license_key|product__short_code|customer__email|customer__company_name|license__validity_period|license__max_activations|license__enabled|license__license_type
AB12-CD34-EF56|foto|kim@example.kr|삼성|2030-12-31|2|예|영구`},
	{"turkish", `LİSANS ANAHTARI|Ürün Kodu|E-posta|Adı|Soyadı|Şirket|Bitiş Tarihi|Adet|Etkin
license__license_key|product__short_code|customer__email|customer__first_name|customer__last_name|customer__company_name|license__validity_period|license__max_activations|license__enabled
AB12-CD34-EF56|foto|isik@example.tr|Şükrü|Yılmaz|Işık A.Ş.|31.12.2030|2|Evet
AB12-CD34-EF57|foto|ada@example.tr|Ada|Yılmaz|Işık A.Ş.|31.12.2030|2|Hayır`},
	{"a CRM", `Account Name|Contact First Name|Contact Email|Product Code|License Key|Expiration Date|Number of Seats|Owner|Created Date
customer__company_name|-|customer__email|product__short_code|license__license_key|license__validity_period|license__max_activations|-|-
ACME|Ada|ada@example.com|PP|AAAA-BBBB-CCCC-DDD1|2030-01-31|5|Rep One|2020-01-01`},
	{"two e-mails", `Key|Product|Email|Reseller Email|Expiry
license__license_key|product__short_code|customer__email|-|license__validity_period
AAAA-BBBB-CCCC-DDD1|pp|ada@example.com|shop@example.com|2030-01-31`},
	{"ids and keys", `ID|Code|SKU|Customer|Valid until
-|-|product__short_code|customer__email|license__validity_period
5f1d8e4a-8a52-4a0c-9a1f-0a3f1c0d9a11|10|PP|ada@example.com|2030-01-31
6f1d8e4a-8a52-4a0c-9a1f-0a3f1c0d9a12|11|PP|bob@example.com|2030-01-31`},
	{"a hardware serial beside the key", `Serial Number|License Key|Product
-|license__license_key|product__short_code
123456789012|AAAA-BBBB-CCCC-DDD1|pp`},
	{"keys that are a count", `Product|Keys|Key|Email
product__short_code|-|-|customer__email
pp|3|1|ada@example.com
pp|2|2|bob@example.com`},
	{"no headers of use", `Column1|Column2|Column3
license__license_key|-|customer__email
AAAA-BBBB-CCCC-DDD1|pp|ada@example.com
AAAA-BBBB-CCCC-DDD2|pp|bob@example.com`},
	{"no header", `AAAA-BBBB-CCCC-DDD0|pp|eve@example.com
-|-|-
AAAA-BBBB-CCCC-DDD1|pp|ada@example.com
AAAA-BBBB-CCCC-DDD2|pp|bob@example.com`},
	{"misspelt", `Lisence Key|Prodcut Code|Emial|Experation Date|Max Activation
license__license_key|product__short_code|-|license__validity_period|license__max_activations
AAAA-BBBB-CCCC-DDD1|pp||2030-01-31|3`},
	{"licences and states", `Licence Key|Product|State|Status|Type
license__license_key|product__short_code|-|-|-
AAAA-BBBB-CCCC-DDD1|pp|active|sold|node-locked`},
	{"an unknown vendor's status", `License Key|Product|Status|Order status
license__license_key|product__short_code|license__enabled|-
AAAA-BBBB-CCCC-DDD1|pp|Active|Shipped
AAAA-BBBB-CCCC-DDD2|pp|Suspended|Shipped
AAAA-BBBB-CCCC-DDD3|pp|Expired|Returned`},
	{"a status in German", `Seriennummer|Produkt|Lizenzstatus
license__license_key|product__short_code|license__enabled
AB12-CD34-EF56|foto|aktiv
AB12-CD34-EF57|foto|gesperrt`},
	{"a status by numbers", `License Key|Product|Status
license__license_key|product__short_code|-
AAAA-BBBB-CCCC-DDD1|pp|1
AAAA-BBBB-CCCC-DDD2|pp|1`},
	{"a status that may mean anything", `License Key|Product|Status
license__license_key|product__short_code|-
AAAA-BBBB-CCCC-DDD1|pp|expired
AAAA-BBBB-CCCC-DDD2|pp|inactive`},
	{"a status of sales", `License Key|Product|Status
license__license_key|product__short_code|-
AAAA-BBBB-CCCC-DDD1|pp|active
AAAA-BBBB-CCCC-DDD2|pp|sold
AAAA-BBBB-CCCC-DDD3|pp|delivered`},
	{"a status beside what says it better", `License Key|Product|Status|Enabled
license__license_key|product__short_code|-|license__enabled
AAAA-BBBB-CCCC-DDD1|pp|active|yes`},
	{"sentinel", `Entitlement ID (EID)|Product Key (PKID)|Product Name|Customer Name|Contact Email|Start Date|End Date|Total Quantity|Available Quantity|Status
-|license__license_key|product__short_code|-|customer__email|-|license__validity_period|license__max_activations|-|-
E1|AAAA-BBBB-CCCC-DDD1|pp|ACME|ada@example.com|01/01/2024|12/31/2030|3|2|COMMITTED
E2|AAAA-BBBB-CCCC-DDD2|pp|ACME|bob@example.com|01/01/2024|12/31/2030|5|5|COMMITTED`},
	{"flexnet", `Activation ID|Part Number|Total Copies|Available Copies|Expiration Date|State|Email Address
license__license_key|product__short_code|license__max_activations|-|license__validity_period|-|customer__email
AAAA-BBBB-CCCC-DDD1|pp|3|2|31-Dec-2030|DEPLOYED|ada@example.com
AAAA-BBBB-CCCC-DDD2|pp|5|5|31-Dec-2030|OBSOLETE|bob@example.com`},
	{"license this and that", `License Key|Product|License Expiry Date|License Seats|License Key Enabled?|License Name|License Start Date|License Owner|License Users
license__license_key|product__short_code|license__validity_period|license__max_activations|license__enabled|-|-|-|license__max_license_users
AAAA-BBBB-CCCC-DDD1|pp|2030-01-31|3|1|Pro|2024-01-31|Rep One|2`},
	{"qlm", `ActivationKey|OrderID|ProductName|Email|Company|SubscriptionExpiryDate|MaintenanceExpiryDate|ExpiryDate|NumLicenses|Disabled
license__license_key|order__store_id|product__short_code|customer__email|customer__company_name|-|-|license__validity_period|license__max_activations|license__enabled
AAAA-BBBB-CCCC-DDD1|7|pp|ada@example.com|ACME|1900-01-01 00:00:00|1900-01-01 00:00:00|2030-01-31 00:00:00|3|0
AAAA-BBBB-CCCC-DDD2|8|pp|bob@example.com|ACME|1900-01-01 00:00:00|1900-01-01 00:00:00|2030-01-31 00:00:00|5|1`},
	{"salesforce assets", `Account Name|Asset Name|Serial Number|Contact: Email|Usage End Date|Quantity|Asset ID
customer__company_name|-|license__license_key|customer__email|license__validity_period|license__max_activations|-
ACME|Photo|AAAA-BBBB-CCCC-DDD1|ada@example.com|31/12/2030|3|02i5g00000AbCdE
ACME|Photo|AAAA-BBBB-CCCC-DDD2|bob@example.com|31/12/2030|3|02i5g00000AbCdF`},
	{"hubspot", `Record ID|First Name|Email|State/Region|Country/Region|License Key|Product|License Expiry Date
-|customer__first_name|customer__email|customer__state|customer__country|license__license_key|product__short_code|license__validity_period
151|Ada|ada@example.com|Kent|GB|AAAA-BBBB-CCCC-DDD1|pp|2030-01-31`},
	{"a price list", `Product|Price|Currency|Release Date
product__short_code|-|-|-
pp|9.90|EUR|2020-01-31`},
	{"keys by a generator", `Activation Code|Software|Issued|Uses
license__license_key|product__short_code|-|-
X7K2-99AA-BB01|pp|2020-01-01|0`},
	{"subscriptions", `Subscription ID|License Code|Product SKU|Customer Email|Customer Name|Trial|Maintenance until|Floating Users
license__subscription_id|license__license_key|product__short_code|customer__email|-|license__is_trial|license__maintenance_period|license__floating_users
sub_1|AAAA-BBBB-CCCC-DDD1|pp|ada@example.com|Ada L|no|2030-01-31|10`},
	{"product by name only", `License|Item Name|Buyer Email|Qty
license__license_key|product__short_code|customer__email|license__max_activations
AAAA-BBBB-CCCC-DDD1|Photo Pro|ada@example.com|1
AAAA-BBBB-CCCC-DDD2|Photo Pro|bob@example.com|2`},
	{"rejected rows", `Serial No.|Product|error__row|error__messages|error__raw_guarded
license__license_key|product__short_code|-|-|-
AAAA-BBBB-CCCC-DDD1|pp|1|x|`},
}

func parseSheet(t *testing.T, s sheet) (sources []Source, right []string) {
	t.Helper()
	lines := strings.Split(s.text, "\n")
	for _, header := range strings.Split(lines[0], "|") {
		sources = append(sources, Source{Header: header})
	}
	for _, column := range strings.Split(lines[1], "|") {
		right = append(right, strings.Trim(column, "-"))
	}
	for _, line := range lines[2:] {
		for i, cell := range strings.Split(line, "|") {
			sources[i].Cells = append(sources[i].Cells, cell)
		}
	}
	if len(sources) != len(right) {
		t.Fatalf("%s: %d headers, %d answers", s.name, len(sources), len(right))
	}
	return sources, right
}

// TestShortKeysUnderClearHeaders: a header that names the license key is believed, though the keys are
// short, unless the cells are something else.
func TestShortKeysUnderClearHeaders(t *testing.T) {
	const key = "license__license_key"
	for _, test := range []struct{ header, cells, want string }{
		{"License Key", "A1 A2", key}, {"License Key", "1 2", key}, {"license_key", "a b", key}, {"Lizenzschlüssel", "Eins Zwei", key},
		{"Seriennummer", "S-1 S-2", key}, {"Product key", "ab cd", key}, {"Serial", "A1 A2", key}, {"Serial", "K-1 K-2", key},
		{"Serial No.", "1 2", ""}, {"Serial", "1 2", ""}, {"Serial", "ab cd", ""}, {"Key", "A1 A2", ""},
		{"License Key", "2030-01-01 2030-02-01", ""}, {"License Key", "a@example.com b@example.com", "customer__email"},
	} {
		got := Suggest(events.Licenses, []Source{{Header: test.header, Cells: strings.Fields(test.cells)}})[0]
		if got.Column != test.want {
			t.Errorf("%s, %s: %q (%s), want %q", test.header, test.cells, got.Column, got.Why, test.want)
		}
	}
}

// TestMisspeltHeaders: a header with other words is another one, however few letters they differ in.
func TestMisspeltHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"Subscription End": "license__validity_period", "Subscription Ref": "", "subscription_uid": "", "Subscription No": "", "subscription_at": "", "Customer Status": "", "Customer Note": "", "Customer Count": "",
		"Billing Status": "", "Billing Start": "", "Purchase Owner": "", "License To": "", "Activation By": "", "Activation ID": "",
		"Expiration Name": "", "maintenanceId": "", "Serial Period": "", "注文日": "", "ライセンス料": "", "会社ID": "",
		"Prodcut Code": "product__short_code", "Lizenzschlüsel": "license__license_key", "Custommer Email": "customer__email",
		"Activaton Limit": "license__max_activations", "License Types": "license__license_type", "subscription_ids": "license__subscription_id",
		"Experation Date": "license__validity_period", "Kundennumer": "customer__reference", "customerIds": "customer__reference",
	} {
		if got := Suggest(events.Licenses, []Source{{Header: header}})[0]; got.Column != want {
			t.Errorf("%s: %q (%s), want %q", header, got.Column, got.Why, want)
		}
	}
}

// TestSuggestionsOfKnownSheets states how often suggestions are right. A wrong one of a required column
// is worse than none: there may be no such.
func TestSuggestionsOfKnownSheets(t *testing.T) {
	right, wrong, none, whole := 0, 0, 0, 0
	for _, s := range sheets {
		sources, answers := parseSheet(t, s)
		all := true
		for i, got := range Suggest(events.Licenses, sources) {
			switch want := answers[i]; {
			case got.Column == want:
				right++
				continue
			case got.Column == "":
				none++
				t.Logf("%s: %s: no suggestion, want %s (%s)", s.name, sources[i].Header, want, got.Why)
			default:
				wrong++
				t.Logf("%s: %s: suggested %s, want %q (%s)", s.name, sources[i].Header, got.Column, want, got.Why)
				if slices.Contains(Required(events.Licenses), got.Column) {
					t.Errorf("%s: %s: a wrong suggestion of the required column %s", s.name, sources[i].Header, got.Column)
				}
			}
			all = false
		}
		if all {
			whole++
		}
	}
	columns := right + wrong + none
	t.Logf("%d sheets, %d columns: %d right, %d wrong, %d without a suggestion; %d sheets without a touch", len(sheets), columns, right, wrong, none, whole)
	if right*100 < columns*98 || wrong > 1 || len(sheets) < 30 {
		t.Errorf("right %d of %d, wrong %d: want 98 %% right and at most 1 wrong", right, columns, wrong)
	}
}
