import SansIO

/// The writer that o= names: its version grows by one with each description that differs from the last (RFC 3264 §8).
struct DescriptionAuthor: Sendable {
  let style: DescriptionStyle
  /// What o= says instead of the address of c=: products whose media stands elsewhere name themselves.
  private let origin: IPAddress?
  private var sessionID: UInt64
  private var version: UInt64
  private var last: SessionDescription?

  init(style: DescriptionStyle, sessionID: UInt64, origin: IPAddress?) {
    self.style = style
    self.sessionID = sessionID
    self.origin = origin
    version = style.firstVersion ?? sessionID
  }

  /// Products whose first answer goes on with the offerer's session id.
  mutating func takeOrigin(of offer: SessionDescription) {
    guard last == nil, let step = style.answerVersionStep, let theirs = offer.originNumbers else { return }
    (sessionID, version) = (theirs.sessionID, theirs.version &+ step)
  }

  /// A description with the streams that are written; the last one where it says the same.
  mutating func describe(
    address: IPAddress, bandwidths: [String] = [], _ writeStreams: (inout DescriptionWriter) -> Void
  ) -> SessionDescription {
    let next = last == nil ? version : version &+ 1
    let description = DescriptionWriter.describe { writer in
      writer.line("v", "0" as StaticString)
      writer.line("o") { output in
        output.append(style.originUser)
        output.append(SDPText.space)
        output.append(decimal: sessionID)
        output.append(SDPText.space)
        output.append(decimal: next)
        output.append(SDPText.space)
        DescriptionWriter.append(origin ?? address, to: &output)
      }
      writer.line("s", style.sessionName)
      writer.line("c") { DescriptionWriter.append(address, to: &$0) }
      for bandwidth in bandwidths { writer.line("b", bandwidth) }
      writer.line("t", "0 0" as StaticString)
      writeStreams(&writer)
    }
    if let last, last.connection == address, last.hasSameMedia(as: description) { return last }
    version = next
    last = description
    return description
  }
}
