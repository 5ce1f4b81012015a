package mapping

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// How sure a synonym is by itself.
const (
	certain = 0.95 // it names the column and nothing else
	sure    = 0.9  // it means this column in nearly every file
	likely  = 0.8  // it usually does
	perhaps = 0.65 // it does unless another column matches better
)

// synonyms is the table of headers that mean a column: in English, German, French, Spanish, Italian, Polish, Japanese,
// Portuguese, Chinese, Korean and Turkish. Headers are compared compacted: without case, accents, spaces and punctuation.
var synonyms = []struct {
	column  string
	how     float64
	headers []string
}{
	{"license__license_key", certain, []string{
		"license key", "licence key", "license keys", "licence keys", "license code", "licence code",
		"Lizenzschlüssel", "Lizenzschluessel", "Lizenzcode", "Lizenz Key", "Lizenzkey",
		"clé de licence", "clef de licence", "clé licence", "code de licence", "clave de licencia", "clave licencia", "código de licencia",
		"chiave di licenza", "chiave licenza", "codice licenza", "codice di licenza", "klucz licencyjny", "klucz licencji", "kod licencji",
		"ライセンスキー", "ライセンスコード",
	}},
	{"license__license_key", sure, []string{
		"license number", "licence number", "license no", "licence no", "product key", "activation key", "activation code", "software key",
		"serial number", "serial key", "serial no", "serial nr", "serial code", "registration key", "registration code", "unlock code", "cd key", "keycode",
		"license serial",
		"Lizenznummer", "Lizenz-Nr", "Seriennummer", "Serien-Nr", "Aktivierungsschlüssel", "Aktivierungscode", "Produktschlüssel", "Produktschluessel", "Freischaltcode",
		"numéro de licence", "numéro de série", "n° de série", "no de série", "clé d'activation", "clé produit", "code d'activation", "n° de licence",
		"número de licencia", "número de serie", "nº de serie", "clave de activación", "código de activación", "clave de producto",
		"numero di licenza", "numero di serie", "numero seriale", "codice di attivazione", "chiave di attivazione",
		"numer licencji", "numer seryjny", "klucz produktu", "kod aktywacyjny", "klucz aktywacyjny",
		"ライセンス番号", "シリアル番号", "シリアルキー", "シリアルナンバー", "シリアルコード", "プロダクトキー", "アクティベーションコード", "アクティベーションキー",
	}},
	{"license__license_key", likely, []string{
		"serial", "seriale", "シリアル", "série", "licensekeystring",
	}},
	{"license__license_key", perhaps, []string{
		"key", "license", "licence", "Lizenz", "Schlüssel", "clé", "licencia", "clave", "licenza", "chiave", "licencja", "klucz", "ライセンス", "キー",
	}},
	{"product__short_code", certain, []string{
		"product code", "product short code", "product shortcode", "short code", "shortcode", "product sku", "sku", "item code", "item sku",
		"product number", "lineitem sku", "line item sku", "article number", "item number", "part number",
		"Produktcode", "Produktkürzel", "Produktnummer", "Artikelnummer", "Artikel-Nr", "Artikelcode", "Produkt-Nr",
		"code produit", "référence produit", "code article", "numéro de produit",
		"código de producto", "código producto", "referencia de producto", "código de artículo", "codice prodotto", "codice articolo",
		"kod produktu", "kod towaru", "symbol produktu", "numer produktu",
		"製品コード", "商品コード", "プロダクトコード", "製品番号", "商品番号", "品番",
	}},
	{"product__short_code", sure, []string{"product", "Produkt", "produit", "producto", "prodotto", "製品", "商品", "プロダクト"}},
	{"product__short_code", likely, []string{"product id", "productid", "Produkt-ID", "id produit", "id producto", "id prodotto", "id produktu", "製品ID", "商品ID", "software", "application"}},
	{"product__short_code", perhaps, []string{"product name", "item name", "Produktname", "nom du produit", "nombre del producto", "nome prodotto", "nazwa produktu", "製品名", "商品名", "item", "Artikel"}},
	{"customer__email", sure, []string{
		"email", "e-mail", "mail", "e mail address", "email address", "mail address", "customer email", "user email", "buyer email", "purchase email", "client email",
		"contact email", "licensee email", "owner email", "billing email", "purchaser email", "customer mail", "registered email",
		"E-Mail-Adresse", "Mailadresse", "Kunden-E-Mail", "Kundenmail", "E-Mail Kunde", "Emailadresse", "Kunde E-Mail",
		"courriel", "adresse e-mail", "adresse mail", "adresse électronique", "e-mail client", "courriel client", "mél",
		"correo", "correo electrónico", "correo e", "email del cliente", "dirección de correo", "dirección de correo electrónico", "correo del cliente",
		"posta elettronica", "indirizzo email", "indirizzo e-mail", "email cliente", "e-mail cliente", "indirizzo di posta elettronica",
		"adres e-mail", "adres email", "e-mail klienta", "email klienta", "poczta elektroniczna", "adres poczty",
		"メール", "メールアドレス", "Eメール", "電子メール", "Eメールアドレス", "顧客メールアドレス", "顧客メール",
	}},
	{"customer__first_name", sure, []string{
		"first name", "firstname", "given name", "forename", "customer first name", "billing first name", "fname",
		"Vorname", "prénom", "nombre de pila", "primer nombre", "nome di battesimo", "imię", "名", "名前（名）", "ファーストネーム",
	}},
	{"customer__first_name", perhaps, []string{"nome", "nombre"}},
	{"customer__last_name", sure, []string{
		"last name", "lastname", "surname", "family name", "customer last name", "billing last name", "lname",
		"Nachname", "Familienname", "Zuname", "nom de famille", "apellido", "apellidos", "cognome", "nazwisko", "姓", "苗字", "名字", "ラストネーム",
	}},
	{"customer__last_name", perhaps, []string{"nom"}},
	{"customer__company_name", sure, []string{
		"company", "company name", "organization", "organisation", "organization name", "business name", "customer company", "account name", "billing company",
		"Firma", "Firmenname", "Unternehmen", "Organisation", "Firmenbezeichnung",
		"société", "entreprise", "raison sociale", "nom de la société", "nom de l'entreprise",
		"empresa", "compañía", "nombre de la empresa", "organización", "razón social",
		"azienda", "società", "ragione sociale", "nome azienda",
		"firma", "nazwa firmy", "przedsiębiorstwo", "organizacja",
		"会社", "会社名", "企業名", "法人名", "組織名", "御社名", "貴社名",
	}},
	{"customer__phone", sure, []string{
		"phone", "phone number", "telephone", "telephone number", "tel", "mobile", "mobile phone", "cell phone", "billing phone", "customer phone",
		"Telefon", "Telefonnummer", "Handy", "Mobil", "Rufnummer", "téléphone", "numéro de téléphone", "portable", "teléfono", "móvil", "número de teléfono",
		"telefono", "numero di telefono", "cellulare", "telefon", "numer telefonu", "電話", "電話番号", "携帯電話", "TEL",
	}},
	{"customer__reference", sure, []string{
		"customer id", "customer number", "customer no", "customer reference", "client id", "client number", "account number", "account id", "crm id", "buyer id",
		"Kundennummer", "Kunden-Nr", "Kundennr", "Debitorennummer", "Kunden-ID", "Debitor", "numéro client", "n° client", "code client", "référence client", "id client",
		"número de cliente", "código de cliente", "id cliente", "numero cliente", "codice cliente", "numer klienta", "kod klienta", "id klienta",
		"顧客番号", "顧客ID", "顧客コード", "お客様番号", "会員番号",
	}},
	{"customer__address", sure, []string{
		"address", "street", "street address", "address line 1", "address1", "billing address", "billing street", "billing address 1", "customer address",
		"Adresse", "Anschrift", "Straße", "Strasse", "Straße und Hausnummer", "rue", "adresse postale", "dirección", "calle", "domicilio", "indirizzo", "via",
		"ulica", "adres", "住所", "所在地", "番地",
	}},
	{"customer__postcode", sure, []string{
		"postcode", "postal code", "zip", "zip code", "zipcode", "billing zip", "billing postcode", "PLZ", "Postleitzahl", "code postal", "código postal", "cp",
		"cap", "codice postale", "codice di avviamento postale", "kod pocztowy", "郵便番号", "〒",
	}},
	{"customer__state", sure, []string{
		"province", "region", "county", "state/province", "state/region", "state or province", "billing state", "billing province", "customer state",
		"Bundesland", "Kanton", "département", "région", "provincia", "comunidad autónoma", "regione", "województwo", "都道府県", "県",
	}},
	{"customer__city", sure, []string{
		"city", "town", "billing city", "customer city", "Stadt", "Ort", "Wohnort", "ville", "commune", "ciudad", "localidad", "población", "città", "comune", "miasto", "miejscowość",
		"市区町村", "市町村", "都市", "市",
	}},
	{"customer__country", sure, []string{
		"country", "country code", "country/region", "billing country", "customer country", "country iso", "Land", "Ländercode", "Staat", "pays", "code pays", "país", "código de país", "paese", "nazione", "kraj", "państwo",
		"国", "国名", "国コード",
	}},
	{"order__store_id", sure, []string{
		"order id", "order number", "order no", "order nr", "order num", "order reference", "order", "purchase order", "po number", "sale id", "transaction id", "purchase id", "store order id",
		"Bestellnummer", "Bestell-Nr", "Auftragsnummer", "Bestellung", "Auftrag", "Auftrags-Nr", "numéro de commande", "n° de commande", "commande", "id commande", "référence commande",
		"número de pedido", "nº de pedido", "pedido", "id de pedido", "numero ordine", "ordine", "id ordine", "numero d'ordine", "numer zamówienia", "zamówienie", "nr zamówienia",
		"注文番号", "注文ID", "受注番号", "オーダー番号", "注文",
	}},
	{"order__is_test", likely, []string{"test", "is test", "test order", "test mode", "Test", "Testbestellung"}},
	{"order__language", likely, []string{"language", "locale", "Sprache", "langue", "idioma", "lingua", "język", "言語"}},
	{"order__campaign_params", likely, []string{"campaign", "campaign params", "utm", "utm params", "Kampagne", "campagne", "campaña", "campagna", "kampania"}},
	{"license__enabled", sure, []string{"enabled", "is enabled", "active", "is active", "aktiv", "aktiviert", "actif", "activé", "activo", "activa", "habilitado", "attivo", "attiva", "abilitato", "aktywna", "aktywny", "有効"}},
	{"license__enabled", perhaps, []string{ // where the cells say so: a status may be one of a sale, too
		"status", "license status", "licence status", "key status", "license state", "licence state", "Lizenzstatus", "statut", "statut de la licence",
		"état", "estado", "estado de la licencia", "stato", "stato licenza", "stan", "stan licencji", "status licencji",
		"ステータス", "ライセンスステータス", "ライセンス状態", "状態",
	}},
	{"license__max_activations", sure, []string{
		"max activations", "maximum activations", "activation limit", "activations limit", "allowed activations", "activations", "activations allowed", "number of activations",
		"max devices", "device limit", "devices", "max machines", "machine limit", "machines", "max computers", "seats", "number of seats", "no of seats", "seat count", "installations",
		"max installations", "times activated max", "max installs", "allowed uses", "computers",
		"copies", "total copies", "total quantity", "number of licenses", "number of licences", "no of licenses", "num licenses", "license count", "licenses", "licences",
		"Aktivierungen", "max Aktivierungen", "maximale Aktivierungen", "Anzahl Aktivierungen", "Plätze", "Arbeitsplätze", "Anzahl Plätze", "Anzahl Arbeitsplätze", "Anzahl Geräte", "Geräte", "Installationen", "Anzahl Installationen", "Sitze",
		"activations maximum", "nombre d'activations", "activations max", "postes", "nombre de postes", "nombre d'appareils", "appareils", "sièges",
		"activaciones", "activaciones máximas", "número de activaciones", "puestos", "dispositivos", "número de puestos", "equipos", "asientos", "plazas",
		"attivazioni", "attivazioni massime", "numero di attivazioni", "postazioni", "numero postazioni", "dispositivi",
		"aktywacje", "liczba aktywacji", "limit aktywacji", "maks aktywacji", "stanowiska", "liczba stanowisk", "urządzenia", "liczba urządzeń",
		"アクティベーション数", "最大アクティベーション数", "アクティベーション上限", "台数", "シート数", "ライセンス数", "端末数", "認証回数", "席数", "最大台数", "利用台数", "最大端末数", "デバイス数",
	}},
	{"license__max_activations", perhaps, []string{"quantity", "qty", "Menge", "Anzahl", "quantité", "cantidad", "quantità", "ilość", "数量"}},
	{"license__allow_unlimited_activations", sure, []string{"unlimited activations", "unlimited", "allow unlimited", "unbegrenzte Aktivierungen", "activations illimitées", "activaciones ilimitadas", "attivazioni illimitate"}},
	{"license__validity_period", sure, []string{
		"expires", "expires at", "expires on", "expire", "expiry", "expiry date", "expiration", "expiration date", "expire date", "expiration on", "valid until", "valid to", "valid till", "valid thru", "valid through", "until", "end date",
		"license expiry", "license expires", "license expiration", "license end", "validity", "validity date", "validity period", "expdate", "renewal date",
		"Ablaufdatum", "Ablauf", "gültig bis", "gueltig bis", "bis", "läuft bis", "Laufzeit bis", "Laufzeitende", "Enddatum", "läuft ab", "läuft ab am", "Gültigkeit", "Ende",
		"expire le", "date d'expiration", "expiration le", "valable jusqu'au", "valide jusqu'au", "date de fin", "échéance", "fin de validité", "date d'échéance",
		"caduca", "caducidad", "fecha de caducidad", "vencimiento", "fecha de vencimiento", "válido hasta", "vence", "expira", "fecha de expiración", "fecha fin",
		"scadenza", "data di scadenza", "scade", "scade il", "valido fino al", "valida fino al", "data scadenza", "data fine",
		"wygasa", "data wygaśnięcia", "ważna do", "ważny do", "ważne do", "data ważności", "termin ważności", "koniec licencji",
		"有効期限", "期限", "満了日", "有効期限日", "失効日", "終了日", "有効期間終了日", "ライセンス期限",
	}},
	{"license__validity_period", likely, []string{ // beside a date of expiry they may be the date of something else
		"contract end", "contract end date", "subscription end", "subscription end date", "subscription expiry", "subscription expiry date", "usage end date",
	}},
	{"license__valid_duration", likely, []string{"duration", "valid duration", "term", "license term", "license duration", "validity duration", "Laufzeit", "Dauer", "durée", "duración", "durata", "okres", "期間", "有効期間"}},
	{"license__license_type", sure, []string{
		"license type", "licence type", "type of license", "license model", "licensing model", "Lizenztyp", "Lizenzart", "Lizenzmodell", "type de licence", "tipo de licencia", "tipo di licenza", "tipo licenza",
		"typ licencji", "rodzaj licencji", "ライセンスタイプ", "ライセンス種別", "ライセンスの種類", "ライセンス種類", "type", "Typ", "tipo",
	}},
	{"license__maintenance_period", likely, []string{
		"maintenance", "maintenance until", "maintenance expires", "maintenance expiry", "maintenance end", "maintenance end date", "support until", "support expires", "support end", "updates until", "upgrade until",
		"Wartung bis", "Wartungsende", "Support bis", "Updates bis", "Wartung", "maintenance jusqu'au", "fin de maintenance", "mantenimiento hasta", "fin de mantenimiento", "manutenzione fino al", "scadenza manutenzione",
		"wsparcie do", "serwis do", "保守期限", "サポート期限", "保守終了日", "メンテナンス期限",
	}},
	{"license__is_trial", likely, []string{"trial", "is trial", "trial license", "Testversion", "Testlizenz", "essai", "prueba", "prova", "wersja próbna", "試用版", "体験版", "トライアル"}},
	{"license__trial_days", sure, []string{"trial days", "trial period", "trial length", "Testtage", "jours d'essai", "días de prueba", "giorni di prova", "dni próbne", "試用日数"}},
	{"license__max_consumptions", likely, []string{"max uses", "max consumptions", "usage limit", "uses limit", "credits", "max usage", "maximale Nutzungen"}},
	{"license__subscription_id", sure, []string{"subscription id", "subscription", "subscription number", "subscription reference", "Abo-ID", "Abonnement", "Abo-Nummer", "Abo", "abonnement", "id abonnement", "suscripción", "id de suscripción",
		"abbonamento", "id abbonamento", "subskrypcja", "id subskrypcji", "サブスクリプションID", "定期購入ID", "サブスクリプション"}},
	{"license__is_floating", likely, []string{"floating", "is floating", "network license", "Netzwerklizenz", "Floating", "licence flottante", "licencia flotante", "licenza flottante", "フローティング"}},
	{"license__floating_users", sure, []string{"floating users", "concurrent users", "floating seats", "concurrent seats", "allowed floating clients", "gleichzeitige Nutzer", "gleichzeitige Benutzer", "utilisateurs simultanés",
		"usuarios simultáneos", "utenti simultanei", "同時接続数", "同時使用数", "同時ユーザー数"}},
	{"license__max_license_users", sure, []string{"max users", "users", "user limit", "number of users", "named users", "Benutzer", "Anzahl Benutzer", "Nutzer", "Anzahl Nutzer", "utilisateurs", "nombre d'utilisateurs",
		"usuarios", "número de usuarios", "utenti", "numero utenti", "numero di utenti", "użytkownicy", "liczba użytkowników", "ユーザー数", "利用者数"}},
	{"code", certain, []string{
		"feature code", "feature", "feature key", "feature id", "feature name", "license feature", "entitlement", "entitlement code", "entitlement key", "entitlement name",
		"feature flag", "module", "module code", "add-on", "addon", "addon code",
		"Funktion", "Feature-Code", "Funktionscode", "Modul", "Modulcode", "Zusatzmodul", "Berechtigung",
		"fonctionnalité", "code de fonctionnalité", "code fonctionnalité", "module complémentaire", "función", "código de función", "característica", "código de característica",
		"módulo", "funzionalità", "codice funzionalità", "codice funzione", "modulo", "funkcja", "kod funkcji", "moduł", "kod modułu",
		"機能", "機能コード", "フィーチャー", "フィーチャーコード", "モジュール", "オプション", "オプションコード",
	}},
	{"code", perhaps, []string{"name", "option", "Bezeichnung"}},
	{"max_consumption", sure, []string{
		"max consumption", "maximum consumption", "consumption limit", "allowed uses", "quota", "limit", "allowance", "max quantity", "maximum uses",
		"Kontingent", "maximaler Verbrauch", "Verbrauchslimit", "Limit", "consommation maximale", "limite", "limite de consommation", "consumo máximo", "límite", "límite de consumo", "cuota",
		"consumo massimo", "limite di consumo", "quota massima", "maksymalne zużycie", "limit zużycia", "最大使用回数", "使用上限", "上限", "最大消費数", "利用上限",
	}},
	{"max_consumption", perhaps, []string{"quantity", "qty", "Menge", "Anzahl", "quantité", "cantidad", "quantità", "ilość", "数量"}},
	{"total_consumptions", sure, []string{
		"total consumptions", "total consumption", "consumptions", "consumption", "consumed", "used", "uses", "usage", "current usage", "total uses", "times used", "use count",
		"Verbrauch", "verbraucht", "Nutzungen", "bisheriger Verbrauch", "consommation", "consommé", "utilisations", "consumo", "consumido", "usos", "consumo total",
		"consumato", "utilizzi", "consumo totale", "zużycie", "użycia", "wykorzystano", "使用回数", "消費数", "使用数", "利用回数",
	}},
	{"license__max_overages", sure, []string{
		"max overages", "maximum overage", "overage limit", "max overage", "überziehung", "maximale Überziehung", "dépassement maximal", "exceso máximo", "superamento massimo", "maksymalne przekroczenie", "最大超過数",
	}},
	{"license__allow_overages", sure, []string{
		"allow overages", "allow overage", "overages allowed", "overage allowed", "Überziehung erlaubt", "dépassement autorisé", "exceso permitido", "superamento consentito", "przekroczenie dozwolone", "超過許可",
	}},
	{"license__reset_consumption", sure, []string{
		"reset consumption", "consumption reset", "reset usage", "Verbrauch zurücksetzen", "réinitialiser la consommation", "restablecer consumo", "azzera consumo", "resetuj zużycie", "消費リセット",
	}},
	{"license__consumption_period", sure, []string{
		"consumption period", "reset period", "reset interval", "usage period", "Verbrauchszeitraum", "Abrechnungszeitraum", "période de consommation", "periodo de consumo", "período de consumo", "periodo di consumo",
		"okres zużycia", "okres rozliczeniowy", "消費期間", "リセット間隔",
	}},
	{"license__note", sure, []string{"note", "notes", "comment", "comments", "remark", "remarks", "memo", "license note", "internal note",
		"Notiz", "Notizen", "Bemerkung", "Bemerkungen", "Kommentar", "Anmerkung", "Anmerkungen", "remarque", "remarques", "commentaire", "commentaires", "notas", "nota", "comentario", "comentarios", "observaciones",
		"commento", "commenti", "osservazioni", "notatka", "uwagi", "komentarz", "notatki", "備考", "メモ", "コメント", "注記"}},
	// Portuguese, Chinese, Korean and Turkish. What another language has, too, stands above.
	{"license__license_key", certain, []string{
		"chave de licença", "chave da licença", "código de licença", "código da licença", "许可证密钥", "许可密钥", "授权码", "授权密钥", "許可證金鑰", "授權金鑰", "授權碼",
		"라이선스 키", "라이센스 키", "라이선스 코드", "lisans anahtarı", "lisans kodu",
	}},
	{"license__license_key", sure, []string{
		"número de série", "número da licença", "chave de ativação", "código de ativação", "chave do produto", "序列号", "序號", "激活码", "啟用碼", "产品密钥", "產品金鑰",
		"시리얼 번호", "일련번호", "제품 키", "활성화 코드", "seri numarası", "seri no", "ürün anahtarı", "etkinleştirme kodu", "aktivasyon kodu",
	}},
	{"product__short_code", certain, []string{
		"código do produto", "referência do produto", "产品代码", "产品编号", "商品编号", "產品代碼", "產品編號", "제품 코드", "상품 코드", "품번", "ürün kodu", "stok kodu",
	}},
	{"product__short_code", sure, []string{"produto", "产品", "產品", "제품", "상품", "ürün"}},
	{"product__short_code", perhaps, []string{"nome do produto", "产品名称", "商品名称", "產品名稱", "제품명", "상품명", "ürün adı"}},
	{"customer__email", sure, []string{
		"e-mail do cliente", "email do cliente", "endereço de e-mail", "correio eletrônico", "correio eletrónico", "电子邮件", "电子邮箱", "邮箱", "邮箱地址", "電子郵件", "電子信箱",
		"이메일", "이메일 주소", "전자우편", "e-posta", "e-posta adresi", "müşteri e-posta",
	}},
	{"customer__first_name", sure, []string{"primeiro nome", "adı"}},
	{"customer__last_name", sure, []string{"sobrenome", "último nome", "soyad", "soyadı", "姓氏"}},
	{"customer__company_name", sure, []string{
		"nome da empresa", "razão social", "公司", "公司名称", "企业名称", "公司名稱", "회사", "회사명", "업체명", "şirket", "şirket adı", "firma adı",
	}},
	{"customer__phone", sure, []string{"telefone", "celular", "telemóvel", "número de telefone", "电话", "电话号码", "手机", "手机号", "手機", "電話號碼", "전화번호", "전화", "휴대폰", "telefon numarası"}},
	{"customer__reference", sure, []string{"código do cliente", "número do cliente", "id do cliente", "客户编号", "客户代码", "客戶編號", "고객 번호", "고객 코드", "müşteri no", "müşteri numarası", "müşteri kodu"}},
	{"customer__address", sure, []string{"endereço", "morada", "地址", "주소"}},
	{"customer__postcode", sure, []string{"cep", "邮编", "邮政编码", "郵遞區號", "우편번호", "posta kodu"}},
	{"customer__city", sure, []string{"cidade", "城市", "도시", "şehir"}},
	{"customer__country", sure, []string{"país", "国家", "國家", "국가", "ülke"}},
	{"order__store_id", sure, []string{"número do pedido", "número da encomenda", "订单号", "订单编号", "訂單編號", "訂單號碼", "주문번호", "주문 번호", "sipariş no", "sipariş numarası"}},
	{"license__enabled", sure, []string{"ativo", "ativa", "ativado", "启用", "是否启用", "啟用", "활성", "활성화", "etkin", "aktif"}},
	{"license__enabled", perhaps, []string{"status da licença", "situação", "状态", "许可证状态", "狀態", "상태", "durum", "lisans durumu"}},
	{"license__max_activations", sure, []string{
		"ativações", "número de ativações", "máximo de ativações", "número de dispositivos", "最大激活数", "激活数量", "设备数量", "授权数量", "最大啟用數", "裝置數量", "授權數量",
		"최대 활성화 수", "활성화 수", "기기 수", "maksimum aktivasyon", "aktivasyon sayısı", "cihaz sayısı",
	}},
	{"license__max_activations", perhaps, []string{"quantidade", "数量", "數量", "수량", "adet", "miktar"}},
	{"license__validity_period", sure, []string{
		"data de validade", "validade", "válido até", "válida até", "data de expiração", "data de vencimento", "expira em", "到期日", "到期日期", "到期时间", "到期時間", "有效期", "有效期至", "截止日期", "過期日期",
		"만료일", "만료 일자", "유효기간", "bitiş tarihi", "geçerlilik tarihi", "son kullanma tarihi",
	}},
	{"license__license_type", sure, []string{"tipo de licença", "tipo da licença", "许可证类型", "授权类型", "授權類型", "라이선스 유형", "라이선스 종류", "lisans türü", "lisans tipi"}},
	{"license__subscription_id", sure, []string{"id da assinatura", "订阅编号", "구독 번호", "abonelik no"}},
	{"license__note", sure, []string{"observação", "observações", "备注", "備註", "비고", "메모", "açıklama"}},
}

// compact is the form in which headers are compared with the tables: letters and digits in lower case,
// without accents.
func compact(header string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(header) {
		switch {
		case r == 'ß':
			b.WriteString("ss")
		case r == 'ł' || r == 'Ł':
			b.WriteByte('l')
		case r == 'ı': // else capitals are other letters than small ones: LISANS ANAHTARI
			b.WriteByte('i')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// wordsOf are the words of a header, compacted: Order No., orderNo and order_no have two.
func wordsOf(header string) (words []string) {
	var b strings.Builder
	before := ' '
	for _, r := range norm.NFC.String(header) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		before = r
	}
	for _, word := range strings.Fields(b.String()) {
		if word = compact(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
