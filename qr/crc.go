package qr

// crcTable holds the CRC of each single byte. It is computed here rather than
// printed so that the polynomial stays the only constant to get right.
var crcTable = func() (table [256]uint16) {
	const polynomial = 0x1021 // x¹⁶ + x¹² + x⁵ + 1
	for b := range table {
		crc := uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= polynomial
			}
		}
		table[b] = crc
	}
	return table
}()

// CRC returns the checksum that ends every payload: CRC-16/CCITT-FALSE over the
// bytes of s, that is polynomial 1021h, initial value FFFFh, no reflection, no
// final exclusive-or. CRC("123456789") is 29B1h.
//
// EMVCo 4.7.3 takes the polynomial from ISO/IEC 13239 and fixes the initial
// value. The sum covers the whole payload including the identifier and length
// "6304" of its own object, but not its four digits. Lengths count characters;
// the checksum alone counts UTF-8 bytes.
func CRC(s string) uint16 {
	crc := uint16(0xFFFF)
	for i := range len(s) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^s[i]]
	}
	return crc
}

const upperHex = "0123456789ABCDEF"

// crcDigits writes a checksum as four hexadecimal digits, in capitals as EMVCo
// prints them.
func crcDigits(crc uint16) string {
	return string([]byte{upperHex[crc>>12], upperHex[crc>>8&15], upperHex[crc>>4&15], upperHex[crc&15]})
}

// parseCRCDigits reads four hexadecimal digits in either case: printed codes in
// the wild use both, and a reader that insists gains nothing.
func parseCRCDigits(s string) (crc uint16, ok bool) {
	if len(s) != 4 {
		return 0, false
	}
	for i := range len(s) {
		var digit byte
		switch b := s[i]; {
		case '0' <= b && b <= '9':
			digit = b - '0'
		case 'A' <= b && b <= 'F':
			digit = b - 'A' + 10
		case 'a' <= b && b <= 'f':
			digit = b - 'a' + 10
		default:
			return 0, false
		}
		crc = crc<<4 | uint16(digit)
	}
	return crc, true
}
