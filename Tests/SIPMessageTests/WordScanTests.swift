import SansIO
import Testing

@testable import SIPMessage

/// Reading eight bytes at a time beside reading them one by one.
@Suite struct WordScanTests {
  @Test func `the first control character is found at each place, and none in text above ASCII`() {
    for control in UInt8(0)..<32 {
      for place in 0..<20 {
        var bytes = (0..<20).map { UInt8(truncatingIfNeeded: 32 + $0 * 37 % 224) }
        #expect(WordScan.firstControl(bytes.span, 0, 20) == 20)
        bytes[place] = control
        #expect(WordScan.firstControl(bytes.span, 0, 20) == place && WordScan.firstControl(bytes.span, place + 1, 20) == 20)
        #expect(WordScan.firstControl(bytes.span, 0, place) == place)
      }
    }
  }

  /// Where the bytes of a kind end, byte by byte.
  private func end(_ bytes: [UInt8], _ range: Range<Int>, while isOfKind: (UInt8) -> Bool) -> Int {
    range.first { !isOfKind(bytes[$0]) } ?? range.upperBound
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  @Test func `a run ends at the same byte whatever byte it is and wherever it is beside the borders of words`() {
    for count in 0...26 {
      for place in 0..<max(count, 1) {
        for byte in UInt8.min...UInt8.max {
          var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count)
          if count > 0 { bytes[place] = byte }
          for start in [0, 1, place] where start <= count {
            let found = WordScan.run(bytes.span, start, count) { Self.isPlain($0) }
            #expect(found == end(bytes, start..<count, while: Self.isPlain), "\(byte) at \(place) of \(count) from \(start)")
          }
        }
      }
    }
  }

  @Test func `runs and single bytes are found as byte by byte in texts of every length, within every part of them`() {
    var random = SeededGenerator(seed: 7)
    let letters = Array("abzAZ09-._~!%*+`'\"<>;,=:@?/[]\\ \t\r\n\u{0}\u{7F}".utf8) + [0x80, 0xC3, 0xE1, 0xFF]
    for count in 0...40 {
      for _ in 0..<60 {
        let isMixed = Bool.random(using: &random)
        let bytes = (0..<count).map { _ in
          isMixed || Int.random(in: 0..<9, using: &random) == 0 ? letters.randomElement(using: &random) ?? 0 : UInt8(ascii: "k")
        }
        let lower = Int.random(in: 0...count, using: &random)
        let upper = Int.random(in: lower...count, using: &random)
        let span = bytes.span
        let tokenEnd = end(bytes, lower..<upper) { Grammar.isToken($0) }
        #expect(Grammar.tokenEnd(span, lower, upper) == tokenEnd)
        let valueEnd = end(bytes, lower..<upper) { ParameterCursor.isValueByte($0) }
        #expect(ParameterCursor.valueEnd(span, lower, upper) == valueEnd)
        for byte in letters {
          #expect(WordScan.first(byte, span, lower, upper) == end(bytes, lower..<upper) { $0 != byte }, "\(byte) in \(bytes)")
          let others: [UInt8] = [byte, byte &+ 1, 0x3C]
          let found = WordScan.first(others[0], others[1], others[2], span, lower, upper)
          #expect(found == end(bytes, lower..<upper) { !others.contains($0) }, "\(others) in \(bytes)")
        }
      }
    }
  }

  @Test func `what begins behind its end is empty`() {
    let bytes = Array("abcdefghijklmnop".utf8)
    #expect(WordScan.run(bytes.span, 9, 4) { _ in true } == 4 && WordScan.first(UInt8(ascii: "c"), bytes.span, 9, 4) == 4)
    #expect(WordScan.run(bytes.span, 16, 16) { _ in true } == 16 && WordScan.first(UInt8(ascii: "c"), bytes.span, 16, 16) == 16)
  }

  @Test func `a name is known in any case, at the end of the bytes and before others, and by all of its letters (RFC 3261 §7.3.1)`() {
    for known in KnownHeader.allCases where known != .other {
      for text in [known.text, known.text.lowercased(), known.text.uppercased()] {
        let name = Array(text.utf8)
        for rest in [0, 1, 5, 12, 20, 24, 30] {
          let bytes = name + [UInt8](repeating: UInt8(ascii: ":"), count: rest)
          #expect(KnownHeader(bytes.span, 0..<name.count) == known, "\(text) with \(rest)")
          for place in name.indices {
            for bit in 0..<8 where bit != 5 || name[place] == UInt8(ascii: "-") {
              var other = bytes
              other[place] ^= 1 << bit
              let found = KnownHeader(other.span, 0..<name.count)
              #expect(found == .other || found.text.lowercased() == String(decoding: other[..<name.count], as: UTF8.self).lowercased())
            }
          }
          #expect(KnownHeader((name + [0] + bytes).span, 0..<name.count + 1) == .other)
        }
      }
    }
  }

  @Test func `a hash of bytes is that of all of them, wherever they lie`() {
    let bytes = Array("z9hG4bK0123456789abcdef-0123456789".utf8)
    var seen = Set<UInt64>()
    for count in 0...bytes.count {
      let hash = ByteHash.of(Bytes(Array(bytes[..<count])))
      #expect(ByteHash.of((Array("xyz".utf8) + bytes).span, 3..<3 + count) == hash && seen.insert(hash).inserted)
    }
  }
}
