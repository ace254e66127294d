import SIPMessage
import SansIO

/// A header field that a product adds of its own, with what it writes into it.
///
/// The value may have places: `{date}` (RFC 7231 §7.1.1.1), `{unix}` the seconds since 1970, `{ip}` our address, `{user}` the user of our
/// own side, and those of ``IdentifierTemplate``.
public struct StyledHeader: Hashable, Sendable, Codable {
  public var name: String
  public var value: String
  /// In these requests; empty = in none.
  public var requests: [SIPMethod]
  /// In responses to these requests.
  public var responses: [SIPMethod]
  /// The statuses of those responses.
  public var statuses: ClosedRange<Int>
  /// Between name and value.
  public var separator: String
  /// All messages of a call have the same value.
  public var isOfCall: Bool

  public init(
    _ name: String, _ value: String, requests: [SIPMethod] = [], responses: [SIPMethod] = [], statuses: ClosedRange<Int> = 100...699,
    separator: String = ": ", isOfCall: Bool = false
  ) {
    self.name = name
    self.value = value
    self.requests = requests
    self.responses = responses
    self.statuses = statuses
    self.separator = separator
    self.isOfCall = isOfCall
  }

  /// The message that wants its headers.
  struct Place {
    var method: SIPMethod
    /// nil = a request.
    var status: Int?
    var callID: String?
    /// Of our own side; nil where it has none.
    var user: String?
    var ip: String
    var unixSeconds: Int64
  }

  func belongs(to place: Place) -> Bool {
    guard let status = place.status else { return requests.contains(place.method) }
    return responses.contains(place.method) && statuses.contains(status)
  }

  /// The value with its places filled in.
  func text(_ place: Place, entropy: inout Entropy, counter: inout UInt32) -> String {
    var text = value.replacing("{user}", with: place.user ?? "")
    if text.contains("{unix}") { text = text.replacing("{unix}", with: String(place.unixSeconds)) }
    if text.contains("{date}") { text = text.replacing("{date}", with: SIPDate.text(unixSeconds: place.unixSeconds)) }
    return IdentifierTemplate(text).make(ip: place.ip, &entropy, &counter)
  }
}

/// An identifier as a product forms it: text with `{hex:8}`, `{hex:10-14}` (so many digits or more), `{HEX:8}`, `{digits:10}`, `{number:5}`
/// (digits, the first of which is no zero), `{letters:7}`, `{uuid}`, `{counter}` (hexadecimal, one more each time), `{ip}` and
/// `{ip-reversed}` (the address bytes from last to first, hexadecimal).
struct IdentifierTemplate {
  private let text: String

  init(_ text: String) { self.text = text }

  func make(ip: String, _ entropy: inout Entropy, _ counter: inout UInt32) -> String {
    var result = ""
    var rest = text[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      result += rest[..<open]
      let place = rest[rest.index(after: open)..<close].split(separator: ":")
      let count = place.count > 1 ? Self.count(place[1], &entropy) : 0
      switch place.first {
      case "hex": result += entropy.hex(count)
      case "HEX": result += entropy.hex(count).uppercased()
      case "digits": result += Self.draw("0123456789", count, &entropy)
      case "number": result += Self.draw("123456789", min(count, 1), &entropy) + Self.draw("0123456789", count - 1, &entropy)
      case "letters": result += Self.draw("abcdefghijklmnopqrstuvwxyz", count, &entropy)
      case "uuid": result += IdentifierMint.uuid(entropy.hex(32))
      case "counter":
        counter += 1
        result += String(counter, radix: 16)
      case "ip": result += ip
      case "ip-reversed": result += Self.reversed(ip)
      default: result += rest[open...close]
      }
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  /// `8`, or `10-14`: a number of that range.
  private static func count(_ text: Substring, _ entropy: inout Entropy) -> Int {
    let bounds = text.split(separator: "-").compactMap { Int($0) }
    guard let low = bounds.first, let high = bounds.last, low < high else { return bounds.first ?? 0 }
    return Int.random(in: low...high, using: &entropy)
  }

  private static func draw(_ alphabet: String, _ count: Int, _ entropy: inout Entropy) -> String {
    let letters = Array(alphabet.utf8)
    return String(decoding: (0..<max(0, count)).map { _ in letters[Int.random(in: letters.indices, using: &entropy)] }, as: UTF8.self)
  }

  private static func reversed(_ ip: String) -> String {
    ip.split(separator: ".").reversed().compactMap { UInt8($0) }.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// `Thu, 01 Jan 2026 00:00:00 GMT`: the only form SIP's Date has (RFC 3261 §20.17).
enum SIPDate {
  static func text(unixSeconds: Int64) -> String {
    let rest = Int((unixSeconds % 86_400 + 86_400) % 86_400)
    let days = Int((unixSeconds - Int64(rest)) / 86_400)
    let (year, month, day) = civil(days)
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7 + 7) % 7]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return "\(weekday), \(two(day)) \(months[month - 1]) \(year) \(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// Year, month and day of a day counted from 1970-01-01, by the 400-year cycle of the Gregorian calendar, years beginning in March.
  private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let ofEra = shifted - era * 146_097
    let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * ofYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
