/// What the mark says: at each moment of a clock one of sixteen tones, another sequence for each speaker.
///
/// A symbol lasts 24 ms and is one tone of 500 to 1,750 Hz, each with a whole number of periods in it; 1,024 symbols are a round of the
/// clock, 24.576 s. Four symbols in a row name speaker and clock nearly alone, sixteen leave no doubt. Every eighth symbol is faint:
/// speech has syllables, and what has none is noise to the voice activity detectors of codecs.
enum MarkCode {
  static let speakers = 64
  static let tones = 16
  /// Symbols in a round of the clock.
  static let symbols = 1_024
  /// A symbol in syllables of so many is faint: the first.
  static let syllable = 8
  /// Symbols are looked for at each quarter of their length.
  static let hopsPerSymbol = 4
  /// Hops in a round.
  static let round = symbols * hopsPerSymbol
  static let hopNanoseconds: Int64 = 6_000_000
  static let symbolNanoseconds = hopNanoseconds * Int64(hopsPerSymbol)
  static let roundNanoseconds = symbolNanoseconds * Int64(symbols)

  /// Periods of a tone in one symbol.
  static func cycles(_ tone: Int) -> Int { 12 + 2 * tone }

  static func isFaint(_ symbol: Int) -> Bool { symbol % syllable == 0 }

  /// The tone of a speaker's symbol.
  @inline(__always)
  static func tone(_ speaker: Int, _ symbol: Int) -> UInt8 { sequences[speaker << 10 | symbol & (symbols - 1)] }

  /// Neighbours differ by two tones at least, so that no symbol runs into the next one.
  static let sequences: [UInt8] = {
    var tones: [UInt8] = []
    tones.reserveCapacity(speakers * symbols)
    var state: UInt64 = 0x6b61_6c6c_676c_6f74
    var last = 0
    for _ in 0..<speakers * symbols {
      var tone = last
      while abs(tone - last) < 2 {
        // SplitMix64: the same on every machine.
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        tone = Int((mixed ^ mixed >> 31) & 15)
      }
      tones.append(UInt8(tone))
      last = tone
    }
    return tones
  }()

  /// Where four tones in a row stand: for each of the 65,536 quadruples a range in ``places``.
  struct Index: Sendable {
    let starts: [UInt32]
    /// Speaker and symbol of the last one of the four, as in ``sequences``.
    let places: [UInt32]
  }

  static let index: Index = {
    var starts = [UInt32](repeating: 0, count: 65_537)
    for place in quadruples { starts[key(place) + 1] += 1 }
    for key in 1...65_536 { starts[key] += starts[key - 1] }
    var next = starts
    var places = [UInt32](repeating: 0, count: Int(starts[65_536]))
    for place in quadruples {
      let key = key(place)
      places[Int(next[key])] = UInt32(place)
      next[key] += 1
    }
    return Index(starts: starts, places: places)
  }()

  /// The last places of all quadruples without a faint symbol.
  private static var quadruples: some Sequence<Int> { (0..<speakers * symbols).lazy.filter { $0 % syllable >= 4 } }

  private static func key(_ place: Int) -> Int {
    Int(sequences[place - 3]) << 12 | Int(sequences[place - 2]) << 8 | Int(sequences[place - 1]) << 4 | Int(sequences[place])
  }
}
