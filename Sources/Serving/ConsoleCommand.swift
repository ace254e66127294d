import CallControl
import RTP
import SansIO

/// What a person may type at a served endpoint.
public enum ConsoleCommand: Hashable, Sendable {
  /// A registered account by name, or a `sip:` URI.
  case call(String)
  /// A leg by the number that the log gives it.
  case reinvite(Int, SessionChange)
  /// Digits on a leg.
  case press(Int, [Digit], DigitWay?)
  case hangUp(Int)
  case calls
  case help

  public static let summary = [
    "call ACCOUNT        call an account where it registered",
    "call sip:USER@HOST  call a URI",
    "hold LEG [inactive] re-INVITE with a=sendonly, or a=inactive",
    "resume LEG          re-INVITE with a=sendrecv",
    "refresh LEG         re-INVITE that changes nothing",
    "press LEG DIGITS [info|in-band]  digits by RFC 4733, by INFO, or as tones",
    "hangup LEG          BYE, or CANCEL",
    "calls               what is up: peer, state, since when, codec, RTP packets, use of the cap",
  ]

  /// Reads a line; nil for an empty one.
  public static func read(_ line: String) throws(LiveFailure) -> ConsoleCommand? {
    let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
    guard let verb = words.first else { return nil }
    let rest = Array(words.dropFirst())
    switch (verb, rest.count) {
    case ("call", 1): return .call(rest[0])
    case ("hold", 1): return .reinvite(try leg(rest[0]), .hold(.sendonly))
    case ("hold", 2) where rest[1] == "inactive": return .reinvite(try leg(rest[0]), .hold(.inactive))
    case ("resume", 1): return .reinvite(try leg(rest[0]), .resume)
    case ("refresh", 1): return .reinvite(try leg(rest[0]), .refresh)
    case ("press", 2): return .press(try leg(rest[0]), try digits(rest[1]), nil)
    case ("press", 3):
      guard let way = DigitWay(rawValue: rest[2]) else { throw LiveFailure("'\(rest[2])' is not one of rfc4733, info, in-band") }
      return .press(try leg(rest[0]), try digits(rest[1]), way)
    case ("hangup", 1): return .hangUp(try leg(rest[0]))
    case ("calls", 0): return .calls
    case ("help", 0): return .help
    default: throw LiveFailure("'\(line)' is not a command; 'help' lists them")
    }
  }

  private static func digits(_ word: String) throws(LiveFailure) -> [Digit] {
    guard let digits = Digit.list(word) else { throw LiveFailure("'\(word)' is not made of digits: 0–9, *, #, A–D and ! for flash") }
    return digits
  }

  private static func leg(_ word: String) throws(LiveFailure) -> Int {
    guard let number = UInt32(word) else { throw LiveFailure("'\(word)' is not the number of a leg, such as 1 in 'leg 1'") }
    return Int(number)
  }
}
