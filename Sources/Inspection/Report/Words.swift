import SansIO
import WireReader

/// Numbers and times as people read them.
enum Words {
  /// A number with so many digits behind the point, rounded as C's printf does.
  static func decimal(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let factor = (0..<digits).reduce(1.0) { power, _ in power * 10 }
    let scaled = Int64((abs(value) * factor).rounded(.toNearestOrEven))
    guard digits > 0 else { return "\(value < 0 && scaled != 0 ? "-" : "")\(scaled)" }
    let fraction = String(scaled % Int64(factor))
    let sign = value < 0 && scaled != 0 ? "-" : ""
    return "\(sign)\(scaled / Int64(factor)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }

  /// `"0.145 s"`, `"32.0 s"`, `"2 min 5 s"`, `"3 h 20 min"`, `"4,334 days 20 h"`.
  static func seconds(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    if seconds >= 172_800 { return "\(count(Int(seconds / 86_400), "day")) \(seconds % 86_400 / 3_600) h" }
    if seconds >= 3_600 { return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min" }
    if seconds >= 120 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(decimal(Double(nanoseconds) / 1e9, seconds >= 10 ? 1 : 3)) s"
  }

  /// `"1,200 packets"`, `"1 packet"`.
  static func count(_ number: Int, _ noun: String) -> String { CountText.of(number, noun) }

  /// An encoding name as it is registered, else in capitals, whatever a peer makes of its letters: they are the same in any case
  /// (RFC 4855 §3).
  static func encoding(_ name: String) -> String {
    let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first else { return name }
    var rest = name.dropFirst(first.count)
    // One channel is what no number means (RFC 8866 §6.6).
    if rest.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2, rest.hasSuffix("/1") { rest = rest.dropLast(2) }
    return (encodings[first.lowercased()] ?? first.uppercased()) + rest
  }

  private static let encodings: [String: String] = {
    let names = [
      "PCMU", "PCMA", "G722", "G723", "G726-16", "G726-24", "G726-32", "G726-40", "G728", "G729", "G729D", "G729E", "GSM", "GSM-EFR", "CN",
      "L16", "LPC", "QCELP", "DVI4", "iLBC", "iSAC", "speex", "opus", "SILK", "AMR", "AMR-WB", "EVS", "EVRC", "red", "telephone-event",
      "tone", "clearmode", "T140", "G7221", "MPA", "H261", "H263", "H263-1998", "H264", "H265", "VP8", "VP9", "AV1", "ulpfec", "rtx",
      "mpeg4-generic", "parityfec", "flexfec", "eg711", "G711-0",
    ]
    return Dictionary(names.map { ($0.lowercased(), $0) }) { first, _ in first }
  }()

  /// `"once"`, `"twice"`, `"12 times"`, `"never"`.
  static func times(_ number: Int) -> String {
    switch number {
    case 0: "never"
    case 1: "once"
    case 2: "twice"
    default: "\(number) times"
    }
  }

  /// `2026-01-01T00:00:00.000Z` (RFC 3339), without a calendar of the system: days since 1970 as Howard Hinnant's civil-from-days does.
  static func wallTime(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds.floorDivided(by: 1_000_000_000)
    let days = seconds.floorDivided(by: 86_400)
    let time = seconds - days * 86_400
    let shifted = days + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let civilMonth = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
    let milliseconds = (nanoseconds - seconds * 1_000_000_000) / 1_000_000
    let date = "\(pad(year, 4))-\(pad(civilMonth, 2))-\(pad(day, 2))"
    return "\(date)T\(pad(time / 3_600, 2)):\(pad(time / 60 % 60, 2)):\(pad(time % 60, 2)).\(pad(milliseconds, 3))Z"
  }

  static func pad(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(width - text.count, 0)) + text
  }

  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.unicodeScalars.count, 0))
  }
  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.unicodeScalars.count, 0)) + text
  }

  /// At most so many characters, the end replaced when it is longer.
  static func clipped(_ text: String, _ width: Int) -> String {
    guard text.utf8.count > width, text.count > width else { return text }
    return width > 3 ? text.prefix(width - 3) + "..." : String(text.prefix(max(width, 0)))
  }

  /// Printable text alone: what a peer wrote must not move a terminal's cursor.
  static func printable(_ text: String) -> String {
    text.utf8.allSatisfy { $0 >= 32 && $0 < 127 }
      || text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 && !(0x80...0x9F).contains($0.value) }
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || (127...159).contains($0.value) ? "?" : $0 }))
  }

  /// Several sides of a sentence.
  static func outcome(_ outcome: Outcome, _ story: DialogStory) -> String {
    func because(_ cause: String?) -> String { cause.map { " (\($0))" } ?? "" }
    switch outcome {
    case .hungUp(let side, let lasted, let cause, _):
      return "answered, hung up by the \(side.rawValue) after \(seconds(lasted))\(because(cause))"
    case .up(let since): return "answered, still up when the capture ends \(seconds(since)) later"
    case .answerNotCaptured(let side, let cause, _):
      return "answered (the answer is not in the capture)\(side.map { ", hung up by the \($0.rawValue)" } ?? "")\(because(cause))"
    case .cancelled(let after, let cause, _): return "cancelled by the caller after \(seconds(after))\(because(cause))"
    case .refused(let status, let phrase, let explanation, _):
      return "refused with \(status) \(phrase)".trimmingSpaces + because(explanation)
    case .redirected(let status, let target, _): return "redirected with \(status)\(target.map { " to \($0)" } ?? "")"
    case .challenged(let status, _): return "challenged with \(status), and no valid credentials followed"
    case .noFinalResponse(let provisional, let waited):
      let heard = provisional.map { "no final response, \($0) was the last" } ?? "no response"
      return "\(heard); the capture ends \(seconds(waited)) after the INVITE"
    case .beganBefore(_, let frame): return "begins in the middle\(frame == nil ? "" : ", ends by BYE")"
    }
  }
}

extension Int64 {
  func floorDivided(by divisor: Int64) -> Int64 { self >= 0 ? self / divisor : (self - divisor + 1) / divisor }
}
