import RTP
import SansIO
import WireReader

/// An RTP stream in a member's capture, and how good it was there until now.
public struct SeenStream: Sendable, Hashable {
  public var source: TransportAddress
  public var destination: TransportAddress
  public var ssrc: UInt32
  public var first: FrameStamp
  public var last: FrameStamp
  public var figures: ReceptionLedger.Figures
  /// The score of the whole, and of each interval; with concealment at the receiver and without.
  public var concealed: [QualityFigure]
  public var unconcealed: [QualityFigure]

  public init(_ stream: RTPStream) {
    (source, destination, ssrc) = (stream.key.source, stream.key.destination, stream.key.ssrc)
    (first, last) = (stream.first, stream.last)
    figures = stream.figures
    let losses = [figures.loss] + figures.windows.map(\.loss)
    concealed = losses.map { stream.score($0, conceals: true) }
    unconcealed = losses.map { stream.score($0, conceals: false) }
  }
}
