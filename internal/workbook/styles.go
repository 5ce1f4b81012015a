package workbook

import "strconv"

// maxStyles bounds the formats of a workbook; Excel has at most 65,490.
const maxStyles = 1 << 17

// readStyles returns the number format of each cell style, by its number. A workbook without the part
// has none.
func readStyles(p *parts, name string) ([]numberFormat, error) {
	if name == "" || !p.has(name) {
		return nil, nil
	}
	custom := make(map[int]numberFormat)
	var styles []numberFormat
	inCells := 0 // the depth of <cellXfs>
	err := p.scan(name, func(s *scanner) error {
		if s.depth() <= inCells {
			inCells = 0
		}
		switch string(s.name) {
		case "numFmt":
			if id, ok := attrInt(s, "numFmtId"); ok && len(custom) < maxStyles && inCells == 0 {
				custom[id] = parseNumberFormat(string(s.attr("formatCode")))
			}
		case "cellXfs":
			inCells = s.depth()
		case "xf":
			if inCells > 0 && s.depth() == inCells+1 && len(styles) < maxStyles {
				styles = append(styles, formatOf(s, custom))
			}
		}
		return nil
	})
	return styles, err
}

func formatOf(s *scanner, custom map[int]numberFormat) numberFormat {
	id, _ := attrInt(s, "numFmtId")
	if f, found := custom[id]; found {
		return f
	}
	return builtinFormat(id)
}

// attrInt reads an attribute that is a number from 0 on.
func attrInt(s *scanner, name string) (int, bool) {
	return parseInt(s.attr(name))
}

func parseInt(digits []byte) (int, bool) {
	n, err := strconv.ParseUint(string(digits), 10, 31)
	return int(n), err == nil
}
