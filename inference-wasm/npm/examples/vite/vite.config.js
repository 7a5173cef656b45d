// The package fetches its module from beside its own file, which pre-bundling would move.
export default { build: { target: 'es2022' }, optimizeDeps: { exclude: ['tidemark'] } };
