package mapping

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"licenseimport/events"
)

// Limits of what an inspection says about cells.
const (
	maxValues = 50  // different cells of one column
	maxValue  = 100 // characters of a cell that may be translated
)

// words has, by value, the cells that mean it in every file, in the languages of the synonyms. They are
// compared compacted.
type words map[string][]string

var (
	yesAndNo = words{
		"true":  {"y", "on", "ja", "j", "wahr", "oui", "vrai", "sí", "verdadero", "vero", "tak", "prawda", "はい", "sim", "verdadeiro", "是", "예", "네", "evet", "doğru"},
		"false": {"n", "off", "nein", "falsch", "non", "faux", "falso", "nie", "fałsz", "いいえ", "não", "否", "아니요", "아니오", "hayır", "yanlış"},
	}
	enabledOrNot = words{
		"true": {"active", "enabled", "aktiv", "aktiviert", "actif", "active", "activé", "activo", "activa", "attivo",
			"attiva", "aktywny", "aktywna", "有効", "ativo", "ativa", "启用", "已启用", "啟用", "활성", "aktif", "etkin"},
		"false": {
			"disabled", "suspended", "revoked", "blocked", "banned", "deactivated", "deaktiviert", "gesperrt", "désactivé",
			"désactivée", "suspendu",
			"suspendue", "bloqué", "desactivado", "desactivada", "suspendido", "bloqueado", "disattivato", "sospeso", "bloccato",
			"zablokowany",
			"zablokowana", "zawieszony", "zawieszona", "無効", "停止", "desativado", "desativada", "suspenso", "suspensa", "禁用", "已禁用", "停用",
			"비활성화", "정지", "devre dışı", "askıya alındı",
		},
	}
	// unclear are words for how a license stands that mean disabled in one program and not in another: a
	// license that nobody has activated yet is inactive, too, and one that has expired may be renewed. They
	// are not translated.
	unclear = []string{
		"inactive", "expired", "expiring", "cancelled", "canceled", "inaktiv", "abgelaufen", "inactif",
		"expiré", "expirée", "inactivo", "inactiva", "caducado", "caducada", "expirado", "expirada", "vencido",
		"vencida", "inattivo", "inattiva", "scaduto", "scaduta", "nieaktywny", "nieaktywna", "wygasły",
		"wygasła", "期限切れ", "inativo", "inativa", "已过期", "過期", "未激活", "만료", "비활성", "süresi doldu", "pasif",
	}
	licenseTypes = words{
		"perpetual": {
			"lifetime", "life time", "permanent", "perpetual license", "perpetual licence", "unbefristet", "Dauerlizenz",
			"lebenslang", "perpétuelle",
			"à vie", "perpetua", "de por vida", "vitalicia", "a vita", "wieczysta", "dożywotnia", "bezterminowa", "永久",
			"永続", "買い切り", "vitalícia", "vitalício", "perpétua", "영구", "süresiz",
		},
		"time-limited": {"time limited license", "befristet", "zeitlich begrenzt", "期間限定"},
		"subscription": {"subscription license", "Abo", "Abonnement", "suscripción", "abbonamento", "subskrypcja",
			"サブスクリプション", "定期購入", "assinatura", "订阅", "訂閱", "구독", "abonelik"},
	}
	periods = words{
		"daily":    {"day", "per day", "täglich", "quotidien", "diario", "giornaliero", "dziennie", "毎日"},
		"weekly":   {"week", "per week", "wöchentlich", "hebdomadaire", "semanal", "settimanale", "tygodniowo", "毎週"},
		"monthly":  {"month", "per month", "monatlich", "mensuel", "mensual", "mensile", "miesięcznie", "毎月"},
		"annually": {"annual", "year", "per year", "yearly", "jährlich", "annuel", "anual", "annuale", "rocznie", "毎年"},
	}
	never = words{"": {
		"never", "never expires", "does not expire", "no expiry", "no expiration", "none", "unlimited", "lifetime",
		"perpetual", "permanent", "forever", "no end date", "0000-00-00", "0000-00-00 00:00:00", "nie", "niemals",
		"unbegrenzt", "unbefristet", "jamais", "illimité", "illimitée", "nunca", "ilimitado", "ilimitada", "mai",
		"illimitato", "illimitata", "nigdy",
		"bezterminowo", "bez limitu", "なし", "無期限", "永久", "sem validade", "vitalícia", "永不过期", "무기한", "süresiz",
	}}
)

// What a word for how a license stands says of license__enabled.
const (
	meansOne  = "one"  // the same in every file
	meansMore = "more" // it depends on the program that wrote the file
)

// standing has the words for how a license stands, compacted.
var standing = func() map[string]string {
	index := map[string]string{}
	for _, cell := range unclear {
		index[compact(cell)] = meansMore
	}
	for _, cells := range enabledOrNot {
		for _, cell := range cells {
			index[compact(cell)] = meansOne
		}
	}
	return index
}()

// disabling has the headers, compacted, of columns that say that a license is disabled.
var disabling = func() map[string]bool {
	headers := map[string]bool{}
	for _, word := range enabledOrNot["false"] {
		headers[compact(word)], headers["is"+compact(word)] = true, true
	}
	return headers
}()

// disables is what the cells of such a column say of license__enabled.
var disables = func() map[string]string {
	to := maps.Clone(opposite)
	for value, cells := range yesAndNo {
		for _, cell := range cells {
			to[normalCell(cell)] = opposite[value]
		}
	}
	return to
}()

// meaning is what the cells of a header mean in a column, by cell in lower case: in the vendor's table, or where the
// header says the opposite of the column. nil: what they say.
func meaning(v *Vendor, header, column string) map[string]string {
	if column == enabledColumn && disabling[compact(header)] && v.meaning(header, column) == nil {
		return disables
	}
	return v.meaning(header, column)
}

// meanings has, by the column's name, the words that have one meaning in it. Columns of yes and no have
// yesAndNo as well.
var meanings = map[string]words{
	"license__enabled":            enabledOrNot,
	"license__license_type":       licenseTypes,
	"license__consumption_period": periods,
	"license__validity_period":    never,
}

// byMeaning has, by column index, compacted cell → value.
var byMeaning = func() []map[string]string {
	index := make([]map[string]string, events.NumColumns)
	for i := range events.Columns {
		of := &events.Columns[i]
		index[i] = map[string]string{}
		add := func(w words) {
			for value, cells := range w {
				for _, cell := range cells {
					index[i][compact(cell)] = value
				}
			}
		}
		add(meanings[of.Name])
		add(meanings[alike[of.Name]])
		if of.Type == events.Bool {
			add(yesAndNo)
		}
		for _, choice := range of.Choices {
			index[i][compact(choice)] = choice
		}
	}
	return index
}()

// withZeros is a whole number as programs write it that compute with fractions: 3.0 or 3,00. One with three zeros may
// be a thousand times as much.
var withZeros = regexp.MustCompile(`^([0-9]{1,10})[.,]0{1,2}$`)

// obvious returns what a cell that is no value of a column means in it in every file.
func obvious(column int, cell string) (value string, ok bool) {
	if events.Columns[column].Type == events.Int {
		whole := withZeros.FindStringSubmatch(strings.TrimSpace(cell))
		if whole == nil {
			return "", false
		}
		return whole[1], true
	}
	name := compact(cell)
	if name == "" {
		return "", false
	}
	value, ok = byMeaning[column][name]
	return value, ok
}

// isValue reports whether a cell is a value of a column as it is. A date is one in any of the formats.
func isValue(column int, cell string) bool {
	of := &events.Columns[column]
	if of.Type == events.Date {
		return isDate(cell)
	}
	return of.Set(new(events.Record), cell) == ""
}

// translations returns what the cells of one column of a file mean in a column, by cell; only those that
// mean something else than they say.
func translations(column int, own map[string]string, cells []string) map[string]string {
	found := map[string]string{}
	for _, cell := range cells {
		if value, ok := own[normalCell(cell)]; ok {
			if !strings.EqualFold(value, cell) {
				found[cell] = value
			}
		} else if value, ok := obvious(column, cell); ok && !isValue(column, cell) {
			found[cell] = value
		}
	}
	return found
}

// translatable are the columns whose cells may be translated without a vendor's table.
var translatable = func() (columns []int) {
	for i, values := range byMeaning {
		if len(values) > 0 {
			columns = append(columns, i)
		}
	}
	return columns
}()

// judgeValues adds to a column of the file its different cells and what they mean, in the column that it
// seems to be and in others that most of its cells fit. own is the vendor's table of the header, for the
// suggested column; nil: none.
func (c *Inspected) judgeValues(kind *events.Kind, all []string, own map[string]string) {
	c.Values, c.Translations = []string{}, map[string]map[string]string{}
	cells := different(all)
	suggested := -1
	if c.Column != nil {
		suggested, _ = kind.ColumnIndex(*c.Column)
	}
	if len(cells) > maxValues && suggested >= 0 {
		cells = slices.DeleteFunc(cells, func(cell string) bool { return isValue(suggested, cell) })
	}
	if len(cells) == 0 || len(cells) > maxValues {
		return
	}
	c.Values = cells
	if suggested >= 0 {
		c.translate(suggested, own, 0)
	}
	for _, column := range translatable {
		if kind.Has(column) && column != suggested {
			c.translate(column, nil, half)
		}
	}
}

// translate adds the translations for one column, if at least a share of the cells is known there.
func (c *Inspected) translate(column int, own map[string]string, least float64) {
	found := translations(column, own, c.Values)
	known := share(c.Values, func(cell string) bool {
		_, translated := found[cell]
		return translated || isValue(column, cell)
	})
	if len(found) > 0 && known >= least {
		c.Translations[events.Columns[column].Name] = found
	}
}

// different returns the different cells that are not too long to be translated, in the file's order.
func different(all []string) (cells []string) {
	seen := map[string]bool{}
	for _, cell := range all {
		cell = strings.TrimSpace(cell)
		name := strings.ToLower(cell)
		if cell == "" || seen[name] || !utf8.ValidString(cell) || utf8.RuneCountInString(cell) > maxValue {
			continue
		}
		seen[name] = true
		cells = append(cells, cell)
	}
	return cells
}
