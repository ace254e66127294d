import Capture
import SansIO

/// The captures of a run in a folder, with a clear twin beside each that has TLS or SRTP; or without any secret, and without twins.
public final class RunCaptures {
  private let sink: CaptureSink
  private let signs: SecretSigns?
  private let origin: CaptureOrigin
  private var twinFailure: CaptureFailure?

  /// - Parameter keepsSecrets: false = neither TLS secrets nor twins are written, and keys of SDES that cross in clear are overwritten.
  public init(folder: String, epoch: Epoch = .virtual, origin: CaptureOrigin = .virtual, keepsSecrets: Bool = true) {
    self.origin = origin
    signs = keepsSecrets ? SecretSigns() : nil
    sink = CaptureSink(
      .folder(folder), epoch: epoch, options: CaptureOptions(writesSecrets: keepsSecrets, origin: origin),
      redactor: keepsSecrets ? nil : { KeyMasking() })
  }

  /// What the run tells.
  public var sinks: [any JournalSink] { signs.map { [sink, $0] } ?? [sink] }

  /// The captures, in the order their hosts joined.
  public var paths: [String] { sink.paths }
  /// The first thing that went wrong with a file.
  public var failure: CaptureFailure? { sink.failure ?? twinFailure }

  /// When the run is over: writes the twins, and removes those of an earlier run that this one has not written anew.
  public func writeTwins() {
    let signs = signs?.signs ?? []
    for (place, path) in paths.enumerated() {
      guard place < signs.count, signs[place], sink.failure == nil else {
        FileSystem.remove(ClearTwin.path(of: path))
        continue
      }
      do { _ = try ClearTwin.write(beside: path, origin: origin) } catch {
        guard twinFailure == nil, case .unreadable(let cause) = error.rule else { continue }
        twinFailure = cause
      }
    }
  }
}
