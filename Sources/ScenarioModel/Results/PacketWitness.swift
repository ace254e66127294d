import SansIO

/// What a stage saw of packets. The engine asks only when it has made a finding, so that a run that passes pays for nothing.
public protocol PacketWitness {
  /// What a frame is; nil where it is not kept any more.
  func exhibit(_ frame: FrameCitation) -> Exhibit?
}
