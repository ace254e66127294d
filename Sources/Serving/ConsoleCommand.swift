import CallControl
import SansIO

/// What a person may type at a served endpoint.
public enum ConsoleCommand: Hashable, Sendable {
  /// A registered account by name, or a `sip:` URI.
  case call(String)
  /// A leg by the number that the log gives it.
  case reinvite(Int, SessionChange)
  case hangUp(Int)
  case calls
  case help

  public static let summary = [
    "call ACCOUNT        call an account where it registered",
    "call sip:USER@HOST  call a URI",
    "hold LEG [inactive] re-INVITE with a=sendonly, or a=inactive",
    "resume LEG          re-INVITE with a=sendrecv",
    "refresh LEG         re-INVITE that changes nothing",
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
    case ("hangup", 1): return .hangUp(try leg(rest[0]))
    case ("calls", 0): return .calls
    case ("help", 0): return .help
    default: throw LiveFailure("'\(line)' is not a command; 'help' lists them")
    }
  }

  private static func leg(_ word: String) throws(LiveFailure) -> Int {
    guard let number = UInt32(word) else { throw LiveFailure("'\(word)' is not the number of a leg, such as 1 in 'leg 1'") }
    return Int(number)
  }
}
