import SansIO

/// The body of an INFO with `application/dtmf-relay`: `Signal=5` and `Duration=160` on lines of their own. No standard defines it.
struct DigitRelay: Equatable {
  var signal: String
  var milliseconds: Int

  init?(_ body: Bytes) {
    var fields: [(String, String)] = []
    for line in body.text.split(whereSeparator: \.isNewline) {
      let pair = line.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
      if pair.count == 2 { fields.append((pair[0].lowercased(), pair[1])) }
    }
    guard let signal = fields.first(where: { $0.0 == "signal" })?.1, signal.count == 1, "0123456789*#ABCD".contains(signal) else {
      return nil
    }
    self.signal = signal
    milliseconds = fields.first { $0.0 == "duration" }.flatMap { Int($0.1) } ?? 250
  }
}
