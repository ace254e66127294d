import ScenarioModel

/// The products whose configuration `serve --print` writes.
public enum PBXProduct: String, Hashable, Sendable, CaseIterable {
  /// Asterisk 13 and later, chan_pjsip.
  case asterisk
  /// Asterisk up to 20, chan_sip.
  case asteriskChanSIP = "asterisk-chan_sip"
  case freeswitch
  /// Cisco Unified Communications Manager.
  case cucm

  /// Reads the word of the command line; the error names the nearest one.
  public init(reading word: String) throws(LiveFailure) {
    let words = Self.allCases.map(\.rawValue)
    guard let product = Self(rawValue: word.lowercased()) else {
      throw LiveFailure("'\(word)' is not one of \(words.joined(separator: ", "))\(Spelling.hint(for: word, among: words))")
    }
    self = product
  }

  /// Where its configuration usually is.
  var folder: String {
    switch self {
    case .asterisk, .asteriskChanSIP: "/etc/asterisk"
    case .freeswitch: "/etc/freeswitch"
    case .cucm: "."
    }
  }
}
